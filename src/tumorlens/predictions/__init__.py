"""Predictions of any tool -> the one type that `tumorlens.evaluate` takes: a source is one file of `sources`."""
