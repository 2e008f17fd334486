"""Synthetic phantoms -> a page: predicted by the model that comes with tumorlens, or by a network trained on them."""
