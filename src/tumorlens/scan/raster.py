"""PNG, JPEG, TIFF or BMP -> Scan: one conversion to gray for every color mode; decompression bombs are refused."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, TiffImagePlugin, UnidentifiedImageError

from tumorlens.errors import ScanError
from tumorlens.scan.content import MAX_PIXELS, FileContent
from tumorlens.scan.types import Pixels, Scan

MAX_IMAGE_SIDE = 2**14
"""Maximum side of an image: a strip 1 pixel wide is small, but the square around it is not."""

_DTYPES = {"I": np.int32, "F": np.float32, "I;16": np.uint16, "I;16L": np.uint16, "I;16B": np.uint16}
_ORIENTATION = 0x0112  # EXIF tag, 1 = upright
_TRANSPOSED = (5, 6, 7, 8)  # values of it that swap height and width
_PHOTOMETRIC = 262  # TIFF tag, 0 = the lowest value is white


def read_raster(file: FileContent, kind: str) -> Scan:
    """Read an image as gray values, upright.

    Color becomes luminance (ITU-R 601), transparent pixels are composed over black, one bit becomes 0 and 255, and
    more than 8 bits keep their depth. The pages of a TIFF become a volume; of other files with several images the
    first is read.

    Args:
        file: the file.
        kind: its format, as of `identify`.

    Returns:
        (H, W), or (D, H, W) for a TIFF of several pages; uint8, uint16, int32 or float32.

    Raises:
        ScanError: damaged, larger than `MAX_PIXELS` or `MAX_IMAGE_SIDE`, or with pages that do not match.
    """
    with _opened(file, kind) as image:
        name, mode = image.format or kind, image.mode
        pixels = _read_pages(file.path, image) if kind == "TIFF" else _read_page(image)
    return Scan(pixels, file.path, name, mode)


def read_pil(image: Image.Image, path: Path) -> Scan:
    """Convert an image of Pillow, the frame it stands at, as `read_raster` does.

    Args:
        image: any mode; it is not changed.
        path: its name in messages.

    Returns:
        (H, W); uint8, uint16, int32 or float32.

    Raises:
        ScanError: it cannot be decoded, has no pixels, or is larger than `MAX_PIXELS` or `MAX_IMAGE_SIDE`.
    """
    check_size(path, [image.size])
    if 0 in image.size:
        raise ScanError(path, f"width and height are {image.size}", expected="at least one pixel")
    try:
        return Scan(_read_page(image), path, image.format or "PIL", image.mode)
    except Exception as error:  # decoders raise many types of errors for damaged files
        raise ScanError(path, f"cannot be decoded ({error})", "check the file that it was opened from") from error


def raster_size(file: FileContent, kind: str) -> tuple[int, int]:
    """Height and width of an image as of `read_raster`, mostly from its header alone; errors as there."""
    with _opened(file, kind) as image:
        width, height = image.size
        return (width, height) if _orientation(image) in _TRANSPOSED else (height, width)


@contextmanager
def _opened(file: FileContent, kind: str) -> Iterator[Image.Image]:
    """Open an image and read its header; every failure becomes a ScanError."""
    path = file.path
    try:
        with file.open() as stream:
            with _quiet():
                image = Image.open(stream, formats=(kind,))
            check_size(path, [image.size])
            yield image
    except ScanError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error
    except Exception as error:  # decoders raise many types of errors for damaged files
        unidentified = isinstance(error, UnidentifiedImageError)  # its text names the stream, not the cause
        reason = "its header is damaged or gives no width or height" if unidentified else error
        raise ScanError(
            path,
            f"starts like a {kind} but cannot be decoded ({reason})",
            "copy, download or export it again",
        ) from error


def _read_pages(path: Path, image: Image.Image) -> Pixels:
    with _quiet():  # every page has a header of its own
        check_size(path, _page_sizes(image))
        pages = []
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            pages.append(_read_page(image))
    kinds = {(page.shape, page.dtype) for page in pages}
    if len(kinds) > 1:
        raise ScanError(
            path,
            f"has {len(pages)} pages of different size or depth",
            expected="equal slices of one volume",
            advice="save one page per file",
        )
    return pages[0] if len(pages) == 1 else np.stack(pages)


def _read_page(image: Image.Image) -> Pixels:
    inverted = image.mode.startswith("I;16") and _photometric(image) == 0
    image.load()
    pixels = _upright(_gray(image), _orientation(image))
    return np.ascontiguousarray(np.iinfo(np.uint16).max - pixels if inverted else pixels)


def _gray(image: Image.Image) -> Pixels:
    if image.mode in _DTYPES:
        pixels = np.array(image, dtype=_DTYPES[image.mode])
        transparent = image.info.get("transparency")
        return pixels if transparent is None else np.where(pixels == transparent, 0, pixels)
    if image.has_transparency_data:
        luminance, alpha = image.convert("RGBA").convert("LA").split()
        return np.array(ImageChops.multiply(luminance, alpha))
    return np.array(image.convert("L"))


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo an EXIF orientation (Exif 2.32, tag 0x0112): 1 upright, 2 to 8 the other flips and turns."""
    if orientation in _TRANSPOSED:
        pixels = pixels.T
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def _orientation(image: Image.Image) -> int:
    try:
        with _quiet():
            return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged EXIF, but valid pixels: keep them as stored
        return 1


def _photometric(image: Image.Image) -> int | None:
    return image.tag_v2.get(_PHOTOMETRIC) if isinstance(image, TiffImagePlugin.TiffImageFile) else None


def _page_sizes(image: Image.Image) -> Iterator[tuple[int, int]]:
    for index in count():
        try:
            image.seek(index)
        except EOFError:
            return
        yield image.size


def check_size(path: Path, sizes: Iterator[tuple[int, int]] | list[tuple[int, int]]) -> None:
    """Refuse large images by their header alone, before decoding."""
    total = 0
    for width, height in sizes:
        total += width * height
        if total > MAX_PIXELS or max(width, height) > MAX_IMAGE_SIDE:
            raise _too_large(path)


def _too_large(path: Path) -> ScanError:
    return ScanError(
        path,
        f"declares more than {MAX_PIXELS:,} pixels, or more than {MAX_IMAGE_SIDE:,} on a side",
        "if this is correct and not a decompression bomb, make it smaller first",
    )


_lock = threading.RLock()


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress Pillow's warnings on unusual headers; relevant ones become a ScanError.

    Python's warning filters are global, so one thread at a time may change them; only headers (and
    TIFF, whose decoder reads them again) are read under the lock.
    """
    log = logging.getLogger(TiffImagePlugin.__name__)
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        previous, log.disabled = log.disabled, True
        try:
            yield
        finally:
            log.disabled = previous
