"""Public data sets, one file each: facts, known problems, and how to read it."""
