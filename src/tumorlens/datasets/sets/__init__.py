"""Public data sets, one file each: what it is, what is wrong with it, and how it is read."""
