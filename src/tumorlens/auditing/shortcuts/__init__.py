"""Looks -> Shortcuts and Neighbours: what can be told without anatomy, and what memory alone can do."""
