"""Numbers -> intervals and prediction sets: bootstrap by cluster, conformal prediction."""

from tumorlens.stats.bootstrap import (
    BootstrapDraws,
    ClusterBootstrap,
    Estimate,
    mcnemar,
    paired_difference,
    wilson,
)

__all__ = [
    "BootstrapDraws",
    "ClusterBootstrap",
    "Estimate",
    "mcnemar",
    "paired_difference",
    "wilson",
]
