"""Array -> Scan: gray values with or without a channel axis, and color."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tumorlens.errors import ScanError
from tumorlens.scan.raster import check_size
from tumorlens.scan.types import Pixels, Scan

_NAME = Path("array")
_KEPT = ("uint8", "uint16", "int16", "int32", "float32")
_LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R 601, as Pillow converts color to gray
_EXPECTED = "(H, W), (1, H, W) or (H, W, 1) gray values, or (H, W, 3) color"


def read_array(source: Any) -> Scan:
    """Convert an array.

    Args:
        source: an array, or an object that NumPy converts to one, for example a tensor in CPU memory. Shape (H, W),
            (1, H, W), (H, W, 1) or (H, W, 3), integers or floats. Where a shape can be read in two ways, the last
            axis counts: (1, 5, 3) is one row of five colored pixels.

    Returns:
        (H, W) uint8, uint16, int16, int32 or float32.

    Raises:
        ScanError: another shape or type, no pixel, or too large.
    """
    try:
        values = np.asarray(source)
    except Exception as error:  # a tensor on a graphics card, or one that requires gradients
        reason = " ".join(str(error).split())
        raise ScanError(
            _NAME, f"{type(source).__name__} cannot become an array ({reason})", expected="an array"
        ) from error
    if values.dtype.kind not in "iuf":
        raise ScanError(_NAME, f"holds values of type {values.dtype}", expected="integers or floats")
    pixels = _gray(values)
    check_size(_NAME, [(pixels.shape[1], pixels.shape[0])])
    kept = pixels if pixels.dtype.name in _KEPT else pixels.astype(np.float32)
    return Scan(np.ascontiguousarray(kept), _NAME, "array", str(values.dtype))


def _gray(values: npt.NDArray[Any]) -> Pixels:
    """(H, W) from any shape that is accepted."""
    if values.size == 0:
        raise ScanError(_NAME, f"shape {values.shape} holds no pixel", expected=_EXPECTED)
    match values.shape:
        case (_, _):
            return values
        case (_, _, 3) if values.dtype == np.uint8:
            return np.array(Image.fromarray(np.ascontiguousarray(values)).convert("L"))
        case (_, _, 3):
            luminance: Pixels = (values @ _LUMINANCE).astype(np.float32)
            return luminance
        case (_, _, 1):
            return np.asarray(values[:, :, 0])
        case (1, _, _):
            return np.asarray(values[0])
        case (3, _, _):
            raise ScanError(
                _NAME,
                f"shape {values.shape}",
                "move the channels to the last axis: np.moveaxis(array, 0, 2)",
                expected=_EXPECTED,
            )
        case _:
            raise ScanError(_NAME, f"shape {values.shape}", "give one slice at a time", expected=_EXPECTED)
