"""Analyses of a run beyond its metrics, one folder each."""
