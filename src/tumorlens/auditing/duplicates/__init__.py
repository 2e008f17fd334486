"""Files -> looks, and looks -> Twins: which files show one image."""
