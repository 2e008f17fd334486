"""The type of the arrow from files to scans: a slice or a volume of gray values, and its origin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.errors import ScanError

Pixels = npt.NDArray[Any]
GrayImage = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Scan:
    """Gray values of one slice (H, W) or one volume (D, H, W), in the bit depth of the file.

    Attributes:
        pixels: (H, W) or (D, H, W); uint8, uint16, int16, int32 or float32; higher is brighter.
        path: the file or folder.
        format: of the content, for example ``"PNG"`` or ``"MATLAB v7.3"``; never the extension.
        mode: of the stored pixels, for example ``"RGBA"``, ``"P"`` or ``"I;16"``.
        spacing: millimeters between pixel centers, (row, column) or (slice, row, column);
            None where unknown.
        orientation: the patient directions in which rows and columns (and slices first) increase,
            as in ``"PL"`` or ``"SPL"``; None where unknown.

    Example:
        >>> import tumorlens, numpy as np
        >>> scan = tumorlens.read_scan(np.arange(64 * 48, dtype=np.uint16).reshape(64, 48))
        >>> scan
        Scan(array: array, 64 x 48, uint16, no spacing)
        >>> scan.size, scan.gray().dtype
        ((64, 48), dtype('uint8'))
    """

    pixels: Pixels
    path: Path
    format: str
    mode: str
    spacing: tuple[float, ...] | None = None
    orientation: str | None = None

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.pixels.shape))
        spacing = "no spacing" if self.spacing is None else f"{' x '.join(f'{mm:g}' for mm in self.spacing)} mm"
        return f"Scan({self.path.name}: {self.format}, {shape}, {self.pixels.dtype}, {spacing})"

    @property
    def is_volume(self) -> bool:
        """True for (D, H, W)."""
        return self.pixels.ndim == 3

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a slice, in pixels."""
        height, width = self.pixels.shape[-2:]
        return int(height), int(width)

    def gray(self) -> GrayImage:
        """The scan as 8-bit gray, same shape: the input of every network and report.

        8-bit pixels are returned unchanged. Deeper ones are scaled by a percentile window (`window`), so
        that a few very bright pixels do not darken the rest, and values above 255 are not clipped.
        """
        return self.pixels if self.pixels.dtype == np.uint8 else window(self.pixels)

    def gray_slice(self) -> GrayImage:
        """The only slice of this scan, (H, W), as 8-bit gray.

        Raises:
            ScanError: it is a volume.
        """
        if self.is_volume:
            raise ScanError(self.path, f"a stack of {len(self.pixels)} slices", expected="one slice per file")
        return self.gray()


def window(pixels: Pixels, low: float = 0.1, high: float = 99.9) -> GrayImage:
    """Scale gray values of any depth to uint8, from the `low` to the `high` percentile.

    Where the two percentiles coincide (a nearly empty image), minimum and maximum are used; a
    constant image becomes black. Values that are not finite count as the lowest one.

    Args:
        pixels: any shape, any real dtype.
        low: percentile that becomes 0.
        high: percentile that becomes 255.
    """
    values = pixels.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(values.shape, dtype=np.uint8)
    if not finite.all():
        values = np.where(finite, values, values[finite].min())
    floor, ceiling = np.percentile(values, [low, high])
    if ceiling <= floor:
        floor, ceiling = values.min(), values.max()
    if ceiling <= floor:
        return np.zeros(values.shape, dtype=np.uint8)
    scaled = (values - floor) * (255.0 / (ceiling - floor))
    gray: GrayImage = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return gray
