"""sample -> mask: from a file of its own, from one that must be turned, or drawn from a file of annotations.

`Sample.mask` is a path, and behind the file's name it may say which part of the file is meant:

    masks/1234.png                             the file
    masks/1234.png#turn=4                      the file in turn 4 (`tumorlens.scan.dihedral`), stretched to the image
    train/_annotations.coco.json#image=2810    all that a COCO file draws in the image of this id
    annotations_all.json#image=y1.jpg59363     all that a file of the VGG Image Annotator draws under this key

What stands behind ``image=`` is written as in a web address, so that it never looks like a folder.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np
from PIL import Image

from tumorlens.datasets.formats.coco_annotations import outlines_by_image
from tumorlens.datasets.formats.outlines import Drawings, draw
from tumorlens.datasets.formats.via import outlines_by_key
from tumorlens.datasets.table import Sample
from tumorlens.errors import DataError, ScanError
from tumorlens.scan import Mask, read_mask, read_size
from tumorlens.scan.dihedral import apply_dihedral

_PLACE = re.compile(r"(?P<file>.+)#(?:image=(?P<image>[^#=]+)|turn=(?P<turn>[0-7]))")
_ADVICE = "export or write the mask again, so that it lies on its own image"


@dataclass(frozen=True)
class MaskLocation:
    """What a mask's path means.

    Attributes:
        file: the file on disk.
        image: the image's id or key in a file of annotations; None for a file that is the mask.
        turn: which of `tumorlens.scan.dihedral.DIHEDRAL_NAMES` makes the mask fit the image; None where it is not
            to be touched, and so must have the image's size.
    """

    file: Path
    image: str | None = None
    turn: int | None = None

    @classmethod
    def of(cls, mask: Path) -> MaskLocation:
        """Take a mask's path apart."""
        found = _PLACE.fullmatch(mask.name)
        if found is None:
            return cls(mask)
        file, image, turn = mask.with_name(found["file"]), found["image"], found["turn"]
        return cls(file, turn=int(turn)) if turn else cls(file, image=unquote(image))

    @property
    def path(self) -> Path:
        """The path, put together again."""
        if self.image is not None:
            return self.file.with_name(f"{self.file.name}#image={quote(self.image, safe='')}")
        return self.file if self.turn is None else self.file.with_name(f"{self.file.name}#turn={self.turn}")


def read_sample_mask(sample: Sample) -> Mask | None:
    """The mask of a sample, at the size of its image; only the image's header is read.

    Returns:
        (H, W) uint8, 1 = tumor; None where the sample has no mask.

    Raises:
        ScanError: image or mask cannot be read, the mask holds more than two values, or has another size.
        DataError: a file of annotations that cannot be read, or that lists no such image.
        MissingExtraError: h5py is needed for this file and is not installed.
    """
    if sample.mask is None:
        return None
    size = read_size(sample.image)
    mask = load_mask(sample.mask, size)
    if mask.shape != size:
        (height, width), (down, across) = mask.shape, size
        raise ScanError(
            sample.mask, f"is {width} x {height} pixels, but its image {sample.image} {across} x {down}", _ADVICE
        )
    return mask


def load_mask(mask: Path, size: tuple[int, int]) -> Mask:
    """The mask a path means.

    Args:
        mask: as `Sample.mask`.
        size: height and width of the image, pixels; an outline is drawn at this size and a turned mask
            stretched to it, but a file that is the mask keeps its own.

    Returns:
        (H, W) uint8, 1 = tumor.

    Raises:
        ScanError, DataError, MissingExtraError: as `read_sample_mask`; a COCO file that lists the image
            with another size is a ScanError.
    """
    place = MaskLocation.of(mask)
    if place.image is not None:
        return _drawn(mask, place.file, place.image, size)
    found = read_mask(place.file)
    if place.turn is None:
        return found
    height, width = size
    fitting = Image.fromarray(np.ascontiguousarray(apply_dihedral(found, place.turn)))
    return np.array(fitting.resize((width, height), Image.Resampling.NEAREST))


def _drawn(mask: Path, file: Path, image: str, size: tuple[int, int]) -> Mask:
    images = _parsed(file)
    if image not in images:
        raise DataError(f"{file}: lists no image '{image}'; expected one of its {len(images):,}; make the table anew")
    listed, shapes = images[image]
    if listed not in (None, size):
        raise ScanError(
            mask, f"was drawn on {listed[1]} x {listed[0]} pixels, but its image has {size[1]} x {size[0]}", _ADVICE
        )
    try:
        return draw(shapes, size)
    except ValueError as error:
        raise ScanError(mask, str(error), _ADVICE) from None


_lock = threading.Lock()  # or every thread that waits for a large file would read it once more


def _parsed(file: Path) -> Drawings:
    try:
        state = file.stat()
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror or error}); bring it back") from None
    with _lock:
        return _parse(file, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _parse(file: Path, _mtime: int, _size: int) -> Drawings:
    """Read a file once, and again when it has changed."""
    return outlines_by_image(file) if file.name.endswith(".coco.json") else outlines_by_key(file)
