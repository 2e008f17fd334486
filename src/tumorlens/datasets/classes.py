"""The meaning of class names, for all rooms."""

from __future__ import annotations

HEALTHY = frozenset({"no_tumor", "no", "normal", "healthy"})
"""Classes whose images show no tumor, so that an empty mask is correct."""
