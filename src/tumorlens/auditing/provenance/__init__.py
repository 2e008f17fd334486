"""Looks -> traces: which known slice an image shows, and what is known of that slice."""
