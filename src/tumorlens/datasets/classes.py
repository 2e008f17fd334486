"""What names of classes mean, to whoever reads data, trains, evaluates or answers."""

from __future__ import annotations

HEALTHY = frozenset({"no_tumor", "no", "normal", "healthy"})
"""Classes whose pictures show no tumour, so that an empty mask is right."""
