"""Numbers -> intervals and prediction sets: bootstrap by cluster, conformal prediction."""

from tumorlens.stats.bootstrap import (
    Cohort,
    Estimate,
    Flags,
    Floats,
    Ints,
    Resamples,
    mcnemar,
    paired_difference,
    wilson,
)

__all__ = [
    "Cohort",
    "Estimate",
    "Flags",
    "Floats",
    "Ints",
    "Resamples",
    "mcnemar",
    "paired_difference",
    "wilson",
]
