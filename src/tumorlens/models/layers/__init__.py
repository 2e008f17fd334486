"""Layers that more than one architecture is built of."""
