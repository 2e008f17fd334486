"""image <-> network input: the crop window of an image of any shape, and its resize to the input square.

Every mode is one window in the pixels of the image (larger than the image where it is padded, smaller where it is
cropped) and one resize of that window to the square. Resizing is bilinear with half-pixel centers, antialiased for
downscaling. With `crop` the bounding box of the head replaces the image, and pixels outside of it are black.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from tumorlens._arrays import Floats32
from tumorlens.scan.types import GrayImage

Mode = Literal["letterbox", "resize", "center_crop"]
Crop = Literal["none", "head"]
Box = tuple[int, int, int, int]  # top, left, height, width, in pixels of an image

_SINGLE_THREAD = 2**18  # multiplications up to which OpenBLAS computes a matrix product on one thread
_COARSE = 32  # side of a map up to which two matrix products resize it faster than Pillow does


@dataclass(frozen=True)
class InputGeometry:
    """The square input of a network, and the way an image is fitted into it.

    Attributes:
        size: side of the input, pixels.
        mode: ``"letterbox"``: the longer side becomes `size`, with black bars at both ends of the shorter one;
            ``"resize"``: both sides become `size`; ``"center_crop"``: the shorter side becomes `resize`, and
            the center is cropped.
        resize: for ``"center_crop"`` only, at least `size`; None means `size`.
        crop: ``"none"``: the whole image is fitted; ``"head"``: the bounding box of the head.
    """

    size: int
    mode: Mode = "letterbox"
    resize: int | None = None
    crop: Crop = "none"

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"size is {self.size}; expected at least 1 pixel")
        if self.mode not in get_args(Mode):
            raise ValueError(f"mode is {self.mode!r}; expected one of {', '.join(get_args(Mode))}")
        if self.crop not in get_args(Crop):
            raise ValueError(f"crop is {self.crop!r}; expected one of {', '.join(get_args(Crop))}")
        if self.resize is not None and self.mode != "center_crop":
            raise ValueError(f"resize is {self.resize} with mode {self.mode!r}; expected mode 'center_crop' with it")
        if self.resize is not None and self.resize < self.size:
            raise ValueError(f"resize is {self.resize}; expected at least the size, {self.size}")

    def crop_window(self, height: int, width: int, box: Box | None = None) -> CropWindow:
        """The window of an image of `height` x `width` pixels that fills the network input.

        Args:
            height: of the image.
            width: of the image.
            box: the region to fit, as in `PipelineOutput.boxes` and in the output ``boxes`` of an ONNX model; None for
                the whole image, which is not allowed with a head crop.

        Raises:
            ValueError: an empty image, a box that is not inside the image, or no box with a head crop.
        """
        if height < 1 or width < 1:
            raise ValueError(f"the image is {height} x {width}; expected at least 1 x 1 pixel")
        if box is None and self.crop == "head":
            raise ValueError("the input is cropped to the head; expected the bounding box of the head in this image")
        top, left, rows, columns = (0, 0, height, width) if box is None else box
        if not (0 <= top < top + rows <= height and 0 <= left < left + columns <= width):
            raise ValueError(f"the box is {box}; expected a region of the image of {height} x {width} pixels")
        if self.mode == "resize":
            window = top, left, rows, columns
        elif self.mode == "letterbox":
            side = max(rows, columns)
            window = top - (side - rows) // 2, left - (side - columns) // 2, side, side
        else:
            shorter = min(rows, columns)
            resize = self.resize or self.size
            side = min(max((2 * shorter * self.size + resize) // (2 * resize), 1), shorter)  # rounded half up
            window = top + (rows - side) // 2, left + (columns - side) // 2, side, side
        return CropWindow(*window, self.size, (height, width), box)


@dataclass(frozen=True)
class CropWindow:
    """The window of an image that fills the network input.

    Attributes:
        top: first row of the window, in pixels of the image; negative where it is padded.
        left: first column of the window, likewise.
        height: of the window, in pixels of the image.
        width: of the window, likewise.
        size: side of the network input, pixels.
        image: height and width of the image.
        box: the visible region of the image, black around it; None for the whole image.
    """

    top: int
    left: int
    height: int
    width: int
    size: int
    image: tuple[int, int]
    box: Box | None = None

    def to_input(self, pixels: GrayImage) -> GrayImage:
        """Crop and resize an image to the network input: (H, W) uint8 to (size, size) uint8.

        The reference implementation; training and exported models do the same with tensors, without rounding to
        whole gray values.
        """
        if pixels.shape != self.image or pixels.dtype != np.uint8:
            raise ValueError(f"got {pixels.shape} {pixels.dtype}; expected {self.image} uint8")
        window = (self.left, self.top, self.left + self.width, self.top + self.height)
        rows, columns = self._visible()
        visible = np.zeros_like(pixels)
        visible[rows, columns] = pixels[rows, columns]
        cropped = Image.fromarray(visible).crop(window)
        return np.array(cropped.resize((self.size, self.size), Image.Resampling.BILINEAR))

    def to_image(self, values: npt.ArrayLike) -> Floats32:
        """Resize a map over the network input, of any resolution, to the image.

        Args:
            values: (n, n) real numbers that cover the whole network input, such as a heat map of 7 x 7.

        Returns:
            (H, W) float32; 0 where the image is not part of the network input.
        """
        grid = np.asarray(values, dtype=np.float32)
        if grid.ndim != 2 or grid.shape[0] != grid.shape[1] or grid.size == 0:
            raise ValueError(f"the map has shape {grid.shape}; expected (n, n)")
        rows, columns = self._visible()
        cells = len(grid)
        spans = (
            (cells / self.height, rows.start - self.top, rows.stop - self.top),
            (cells / self.width, columns.start - self.left, columns.stop - self.left),
        )
        if cells <= _COARSE:
            down, across = (_weights(cells, *span) for span in spans)
            visible = _product(down, grid @ across.T)
        else:
            visible = _resized(grid, *spans)
        if visible.shape == self.image:
            return visible
        result = np.zeros(self.image, dtype=np.float32)
        result[rows, columns] = visible
        return result

    def _visible(self) -> tuple[slice, slice]:
        """The rows and columns of the image that are part of the network input."""
        top, left, height, width = self.box or (0, 0, *self.image)
        rows = slice(max(self.top, top), min(self.top + self.height, top + height))
        columns = slice(max(self.left, left), min(self.left + self.width, left + width))
        return rows, columns


def _resized(grid: Floats32, *spans: tuple[float, int, int]) -> Floats32:
    """Resize a map with Pillow's bilinear filter.

    Args:
        grid: (n, n).
        spans: for rows and for columns the cells per pixel, the first output pixel and the pixel after the last one.
    """
    (top, bottom), (left, right) = (
        [min(scale * pixel, len(grid)) for pixel in (first, last)] for scale, first, last in spans
    )
    height, width = (last - first for _, first, last in spans)
    image = Image.fromarray(grid).resize((width, height), Image.Resampling.BILINEAR, (left, top, right, bottom))
    return np.array(image)


def _weights(cells: int, scale: float, first: int, last: int) -> Floats32:
    """The matrix that resizes one axis of a map like Pillow's bilinear filter; two products are faster than Pillow.

    Args:
        cells: of the map on this axis.
        scale: cells per pixel.
        first: the first output pixel, counted from the start of the map.
        last: the pixel after the last one.

    Returns:
        (last - first, cells); rows add up to 1.
    """
    centers = (np.arange(first, last) + 0.5) * scale
    distance = np.abs(np.arange(cells) + 0.5 - centers[:, None])
    weights = np.maximum(0, 1 - distance / max(scale, 1.0))
    rows: Floats32 = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return rows


def _product(first: Floats32, second: Floats32) -> Floats32:
    """A matrix product in strips so small that it stays on this thread, for ONNX Runtime occupies the others."""
    product = np.empty((len(first), second.shape[1]), dtype=np.float32)
    rows = max(1, _SINGLE_THREAD // max(1, second.size))
    for start in range(0, len(first), rows):
        np.matmul(first[start : start + rows], second, out=product[start : start + rows])
    return product
