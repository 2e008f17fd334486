"""Evaluation -> the page that a reviewer judges it by."""
