"""Looks -> Shortcuts and Neighbors: what can be told without anatomy, and what memory alone can do."""
