"""Image records -> integrity issues of files, masks and annotations."""
