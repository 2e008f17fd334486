"""Files -> image records -> duplicates: which files show the same image."""
