"""Downloads of public data sets, verified by checksum."""
