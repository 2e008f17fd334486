"""attention maps -> one map. NumPy alone.

Networks have few or many: a spatial gate in each block, weights of a hypercolumn, what the places of a transformer
receive. Each map is divided by its mean, since gates lie between 0 and 1, weights have any unit, and what is received
sums to 1. Then they are averaged, and the lowest value is taken away. A map that prefers no place adds a constant,
which goes with the lowest value, so that each map counts as much as it chooses. A product instead would let a single 0
in one map rule out a place for all others.

Of one transformer layer with averaged tokens this is attention rollout (Abnar and Zuidema 2020): that is
0.5 A + 0.5 I, averaged over where attention comes from, which differs from what the places receive by a factor and
a constant only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tumorlens._arrays import Floats32
from tumorlens.scan import InputGeometry

_NOTHING = 1e-5  # of the mean: what is less is rounding


def together(charts: Sequence[Floats32]) -> Floats32:
    """Several attention maps over one canvas as one.

    Args:
        charts: (n, n) each, of at least 0; n may differ.

    Returns:
        (n, n) float32 of the largest n; the lowest value is 0, and all are where no map prefers a place.
    """
    side = max(len(chart) for chart in charts)
    finest = InputGeometry(side).crop_window(side, side)
    resized = [finest.to_image(chart / (chart.mean() or 1)) for chart in charts]
    mean = np.mean(resized, axis=0)
    chosen: Floats32 = (mean - mean.min()).astype(np.float32)
    return chosen if chosen.max() > _NOTHING else np.zeros_like(chosen)
