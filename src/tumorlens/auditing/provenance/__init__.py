"""Image records -> source matches: which slice of a reference set an image shows, with its patient and label."""
