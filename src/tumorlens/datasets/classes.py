"""What names of classes mean, to whoever reads data, trains, evaluates or answers."""

from __future__ import annotations

HEALTHY = frozenset({"no_tumor", "no", "normal", "healthy"})
"""Classes whose images show no tumor, so that an empty mask is right."""
