"""sample -> reference mask: from a mask file, also rotated or flipped, or rendered from an annotation file.

`Sample.mask` is a path. A suffix of the file name may select a part of the file:

    masks/1234.png                             the file
    masks/1234.png#dihedral=4                  the file after transform 4 of `tumorlens.scan.dihedral`, stretched
    train/_annotations.coco.json#image=2810    all shapes of a COCO file in the image with this id
    annotations_all.json#image=y1.jpg59363     all shapes of a file of the VGG Image Annotator under this key
    labels/head.nii.gz#axial=012               a slice of a volume, see `tumorlens.scan.slice_location`

The text behind ``image=`` is percent-encoded as in a URL, so that it never looks like a folder.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np
from PIL import Image

from tumorlens.datasets.formats.coco_annotations import outlines_by_image
from tumorlens.datasets.formats.outlines import ImageOutlines, rasterize
from tumorlens.datasets.formats.via import outlines_by_key
from tumorlens.datasets.table import Sample
from tumorlens.errors import DataError, ScanError
from tumorlens.scan import Mask, read_mask, read_size
from tumorlens.scan.dihedral import apply_dihedral
from tumorlens.scan.slice_location import SliceLocation

_LOCATION = re.compile(r"(?P<file>.+)#(?:image=(?P<image>[^#=]+)|dihedral=(?P<dihedral>[0-7]))")
_ADVICE = "export or write the mask again, so that it lies on its own image"


@dataclass(frozen=True)
class MaskLocation:
    """The meaning of a mask's path.

    Attributes:
        file: the file on disk.
        image: the image's id or key in an annotation file; None for a mask file.
        dihedral: index into `tumorlens.scan.dihedral.DIHEDRAL_NAMES` of the transform that aligns the mask with the
            image; None where the mask must have the image's size and is not transformed.
        slice: where the mask is a slice of a volume: which one; None elsewhere.
    """

    file: Path
    image: str | None = None
    dihedral: int | None = None
    slice: SliceLocation | None = None

    @classmethod
    def parse(cls, mask: Path) -> MaskLocation:
        """Split a mask's path into its parts."""
        match = _LOCATION.fullmatch(mask.name)
        if match is None:
            location = SliceLocation.parse(mask)
            return cls(mask) if location is None else cls(location.file, slice=location)
        file, image, dihedral = mask.with_name(match["file"]), match["image"], match["dihedral"]
        return cls(file, dihedral=int(dihedral)) if dihedral else cls(file, image=unquote(image))

    @property
    def path(self) -> Path:
        """The path, composed again."""
        if self.slice is not None:
            return replace(self.slice, file=self.file).path
        if self.image is not None:
            return self.file.with_name(f"{self.file.name}#image={quote(self.image, safe='')}")
        return self.file if self.dihedral is None else self.file.with_name(f"{self.file.name}#dihedral={self.dihedral}")


def read_sample_mask(sample: Sample) -> Mask | None:
    """Read the reference mask of a sample at the size of its image; only the image's header is read.

    Returns:
        (H, W) uint8, 1 = tumor; None where the sample has no mask.

    Raises:
        ScanError: image or mask cannot be read, the mask holds more than two values, or has another size.
        DataError: an annotation file that cannot be read, or that does not list the image.
        MissingExtraError: h5py is needed for this file and is not installed.
    """
    if sample.mask is None:
        return None
    size = read_size(sample.image)
    mask = load_mask(sample.mask, size)
    if mask.shape != size:
        (height, width), (rows, columns) = mask.shape, size
        raise ScanError(
            sample.mask, f"is {width} x {height} pixels, but its image {sample.image} has {columns} x {rows}", _ADVICE
        )
    return mask


def load_mask(mask: Path, size: tuple[int, int]) -> Mask:
    """Read or render the mask that a path means.

    Args:
        mask: as `Sample.mask`.
        size: height and width of the image, pixels. Outlines are rendered at this size and transformed masks are
            stretched to it; a plain mask file keeps its own size.

    Returns:
        (H, W) uint8, 1 = tumor.

    Raises:
        ScanError, DataError, MissingExtraError: as `read_sample_mask`; a COCO file that lists the image
            with another size is a ScanError.
    """
    location = MaskLocation.parse(mask)
    if location.image is not None:
        return _rendered(mask, location.file, location.image, size)
    stored = read_mask(mask if location.slice else location.file)
    if location.dihedral is None:
        return stored
    height, width = size
    aligned = Image.fromarray(np.ascontiguousarray(apply_dihedral(stored, location.dihedral)))
    return np.array(aligned.resize((width, height), Image.Resampling.NEAREST))


def _rendered(mask: Path, file: Path, image: str, size: tuple[int, int]) -> Mask:
    images = _parsed(file)
    if image not in images:
        raise DataError(
            file=file,
            found=f"lists no image '{image}'",
            expected=f"one of its {len(images):,}",
            advice="make the table anew",
        )
    outlines = images[image]
    if outlines.size not in (None, size):
        height, width = outlines.size
        raise ScanError(
            mask, f"was outlined on {width} x {height} pixels, but its image has {size[1]} x {size[0]}", _ADVICE
        )
    try:
        return rasterize(outlines.shapes, size)
    except ValueError as error:
        raise ScanError(mask, str(error), _ADVICE) from None


_lock = threading.Lock()  # otherwise every waiting thread would read a large file once more


def _parsed(file: Path) -> dict[str, ImageOutlines]:
    try:
        state = file.stat()
    except OSError as error:
        raise DataError(file=file, found=f"cannot be read ({error.strerror or error})", advice="restore it") from None
    with _lock:
        return _parse(file, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _parse(file: Path, _mtime: int, _size: int) -> dict[str, ImageOutlines]:
    """Read a file once, and again when it has changed."""
    return outlines_by_image(file) if file.name.endswith(".coco.json") else outlines_by_key(file)
