"""Looks -> damage: files, masks and annotations that are not what they should be."""
