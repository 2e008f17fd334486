"""stored values of a frame -> gray values: padding left out, the brighter the higher, rescaled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tumorlens.scan.dicom.header_value import header_value
from tumorlens.scan.types import Pixels

if TYPE_CHECKING:
    from pydicom import Dataset


def gray_values(stored: Pixels, header: Dataset, rescale: Dataset) -> Pixels:
    """Convert the stored values of one frame.

    Pixels of padding get the lowest gray value of the frame.
    MONOCHROME1 is inverted within the stored bits, so that higher is brighter.
    Slope and intercept are those of this frame: they may differ from slice to slice.

    Args:
        stored: (H, W) integers.
        header: of the file.
        rescale: the data set that holds RescaleSlope and RescaleIntercept.

    Returns:
        (H, W): integers where slope and intercept are whole numbers, float32 otherwise.
    """
    padding = _padding(stored, header)
    inverted = header_value(header, "PhotometricInterpretation") == "MONOCHROME1"
    slope = _number(header_value(rescale, "RescaleSlope"), 1.0)
    intercept = _number(header_value(rescale, "RescaleIntercept"), 0.0)
    if padding is None and not inverted and (slope, intercept) == (1.0, 0.0):
        return _narrowed(stored)
    values = stored.astype(np.int64)
    if inverted:
        bits = int(header_value(header, "BitsStored") or header.BitsAllocated)
        values = (-1 if header_value(header, "PixelRepresentation") == 1 else 2**bits - 1) - values
    if padding is not None:
        values[padding] = values[~padding].min()
    if slope.is_integer() and intercept.is_integer() and max(abs(slope), abs(intercept)) < 2**31:
        return _narrowed(values * int(slope) + int(intercept))
    return (values * slope + intercept).astype(np.float32)


def _padding(values: Pixels, header: Dataset) -> Pixels | None:
    """(H, W) bool, where the padding is; None where there is none, or nothing else."""
    value = _stored_number(header, "PixelPaddingValue")
    if value is None:
        return None
    limit = _stored_number(header, "PixelPaddingRangeLimit")
    low, high = sorted((value, value if limit is None else limit))
    inside = (values >= low) & (values <= high)
    return inside if inside.any() and not inside.all() else None


def _stored_number(header: Dataset, keyword: str) -> int | None:
    """A value that is signed where the pixels are, whatever its representation in the file says."""
    value = header_value(header, keyword)
    if isinstance(value, bytes):  # of an implicit file, where the dictionary leaves the sign open
        value = int.from_bytes(value[:2], "little") if len(value) >= 2 else None
    if not isinstance(value, int):
        return None
    bits = int(header.BitsAllocated)
    return (
        value - 2**bits if header_value(header, "PixelRepresentation") == 1 and value >= 2 ** (bits - 1) else int(value)
    )


def _number(value: Any, default: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return default
    return number if np.isfinite(number) and (number != 0 or default == 0) else default


def _narrowed(values: Pixels) -> Pixels:
    """The same integers in the narrowest of the types of a `Scan`."""
    low, high = int(values.min()), int(values.max())
    for dtype in (np.uint16, np.int16, np.int32):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return values.astype(dtype)
    return values.astype(np.float32)
