"""Feature maps -> Eigen-CAM (Muhammad and Yeasin 2020), their first principal component. NumPy alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Floats32


def eigen_cam(features: npt.ArrayLike) -> Floats32:
    """The first principal component of the feature maps; it needs no class, no score and no gradient.

    The maps are centered first, as in PCA and in the pytorch-grad-cam package; without centering the component is
    close to their mean. A component has no sign. Here it gets the sign of its correlation with the sum of the maps, so
    that it is positive where activation is high.

    Args:
        features: (C, h, w) the last feature maps of a network.

    Returns:
        (h, w) float32, positive and negative; all 0 where the maps are constant.
    """
    maps = np.asarray(features, dtype=np.float64)
    pixels = maps.reshape(len(maps), -1).T
    pixels = pixels - pixels.mean(axis=0)
    if len(pixels) <= pixels.shape[1]:  # the smaller of the two Gram matrices has the same component
        eigenvalues, components = np.linalg.eigh(pixels @ pixels.T)
        component = components[:, -1] * np.sqrt(max(eigenvalues[-1], 0))
    else:
        component = pixels @ np.linalg.eigh(pixels.T @ pixels)[1][:, -1]
    correlation = component @ pixels.sum(axis=1)
    signed: Floats32 = (component if correlation >= 0 else -component).reshape(maps.shape[1:]).astype(np.float32)
    return signed
