"""features -> Eigen-CAM (Muhammad and Yeasin 2020), the pattern that most of the maps share. NumPy alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def eigen_cam(features: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """The first principal component of the maps: no class, no score and no gradient is asked for.

    Maps are centerd before, as principal components are, and as the field's implementation does; without that the
    component is little more than their mean. A component has no sign of its own. This one gets the sign
    with which it rises and falls with the sum of the maps, so that it is positive where there is much activation.

    Args:
        features: (C, h, w) the last maps of a network.

    Returns:
        (h, w) float32, positive and negative; all 0 where the maps are the same everywhere.
    """
    maps = np.asarray(features, dtype=np.float64)
    places = maps.reshape(len(maps), -1).T
    places = places - places.mean(axis=0)
    if len(places) <= places.shape[1]:  # the smaller of the two matrices of products has the same component
        spread, components = np.linalg.eigh(places @ places.T)
        chart = components[:, -1] * np.sqrt(max(spread[-1], 0))
    else:
        chart = places @ np.linalg.eigh(places.T @ places)[1][:, -1]
    rises = chart @ places.sum(axis=1)
    signed: npt.NDArray[np.float32] = (chart if rises >= 0 else -chart).reshape(maps.shape[1:]).astype(np.float32)
    return signed
