"""Methods that make a heat map, one file each."""
