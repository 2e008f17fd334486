"""Looks -> traces: which known slice a picture shows, and what is known of that slice."""
