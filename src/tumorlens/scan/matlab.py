"""MATLAB v7.3 -> Scan: the slices of the Figshare brain tumor set (Cheng 2017), with label, patient and mask.

Each file holds a struct `cjdata`: `label` (1 meningioma, 2 glioma, 3 pituitary), `PID` (character codes),
`image` (int16), `tumorBorder`, `tumorMask`. MATLAB stores columns first, so h5py sees arrays transposed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tumorlens._extras import require
from tumorlens.errors import ScanError
from tumorlens.scan.content import MAX_PIXELS, FileContent, identify
from tumorlens.scan.mask import as_mask
from tumorlens.scan.types import Mask, Pixels, Scan

FORMAT = "MATLAB v7.3"

_LAYOUT = "the struct of the Figshare release: cjdata with image, tumorMask, label and PID"
_KEPT = ("uint8", "uint16", "int16", "int32", "float32")


@dataclass(frozen=True, eq=False)
class FigshareSlice:
    """One file of the Figshare set.

    Attributes:
        scan: the slice, (H, W).
        label: 1 meningioma, 2 glioma, 3 pituitary.
        patient_id: as in the file, for example ``"100360"`` or ``"MR040240B"``.
        mask: (H, W) uint8, 1 = tumor.
    """

    scan: Scan
    label: int
    patient_id: str
    mask: Mask


def read_figshare(path: str | Path) -> FigshareSlice:
    """Read a .mat file of the Figshare release with all its members.

    Raises:
        ScanError: not such a file, a member is missing, image and mask differ in shape, or the label
            is not 1, 2 or 3.
        MissingExtraError: h5py is not installed.
    """
    path = Path(path)
    file = FileContent(path)
    if identify(file) != "HDF5":
        raise ScanError(path, "is an image", expected=_LAYOUT)
    with _cjdata(file) as struct:
        scan, mask = _scan(path, struct), _mask(path, struct)
        label, patient = _member(path, struct, "label"), _member(path, struct, "PID")
        if mask.shape != scan.pixels.shape:
            raise ScanError(path, f"image is {scan.pixels.shape} but tumorMask is {mask.shape}", expected=_LAYOUT)
        if label.size != 1 or label.item() not in (1, 2, 3):
            raise ScanError(path, f"label is {label.ravel().tolist()[:4]}", expected="1, 2 or 3")
        patient_id = "".join(chr(int(code)) for code in patient.ravel()).strip("\0 ")
        if not patient_id:
            raise ScanError(path, "PID is empty", expected=_LAYOUT)
    return FigshareSlice(scan, int(label.item()), patient_id, mask)


def read_matlab(file: FileContent) -> Scan:
    """Read only the image, cjdata/image; errors as in `read_figshare`."""
    with _cjdata(file) as struct:
        return _scan(file.path, struct)


def read_matlab_mask(file: FileContent) -> Mask:
    """Read only the mask, cjdata/tumorMask, (H, W) uint8; errors as in `read_figshare`."""
    with _cjdata(file) as struct:
        return _mask(file.path, struct)


def matlab_size(file: FileContent) -> tuple[int, int]:
    """Height and width of the image, without reading it; errors as in `read_figshare`."""
    with _cjdata(file) as struct:
        shape: tuple[int, ...] = getattr(struct.get("image"), "shape", ())
        if len(shape) != 2:
            raise ScanError(file.path, f"cjdata/image is missing or not an image, shape {shape}", expected=_LAYOUT)
        return int(shape[1]), int(shape[0])


@contextmanager
def _cjdata(file: FileContent) -> Iterator[Any]:
    h5py = require("h5py", "audit", "read MATLAB v7.3 files")
    path = file.path
    try:
        with h5py.File(path if file.data is None else file.open(), "r") as content:
            struct = content.get("cjdata")
            if not isinstance(struct, h5py.Group):
                raise ScanError(path, "is an HDF5 file without a struct named cjdata", expected=_LAYOUT)
            yield struct
    except ScanError:
        raise
    except Exception as error:  # HDF5 raises many types of errors for damaged files
        raise ScanError(path, f"is a damaged HDF5 file ({error})", "copy, download or export it again") from error


def _scan(path: Path, struct: Any) -> Scan:
    stored = _image(path, struct, "image")
    pixels = stored if stored.dtype.name in _KEPT else stored.astype(np.float32)
    return Scan(pixels, path, FORMAT, stored.dtype.name)


def _mask(path: Path, struct: Any) -> Mask:
    return as_mask(_image(path, struct, "tumorMask"), path)


def _image(path: Path, struct: Any, name: str) -> Pixels:
    pixels = _member(path, struct, name)
    if pixels.ndim != 2 or "MATLAB_empty" in struct[name].attrs:
        raise ScanError(path, f"cjdata/{name} is empty or not an image, shape {pixels.shape}", expected=_LAYOUT)
    return np.ascontiguousarray(pixels.T)


def _member(path: Path, struct: Any, name: str) -> Pixels:
    dataset = struct.get(name)
    if dataset is None:
        raise ScanError(path, f"cjdata has no member '{name}', only {sorted(struct)}", expected=_LAYOUT)
    dtype, size = getattr(dataset, "dtype", None), getattr(dataset, "size", None)
    if dtype is None or dtype.kind not in "biuf" or not size:
        raise ScanError(path, f"cjdata/{name} is empty or does not hold numbers", expected=_LAYOUT)
    if size > MAX_PIXELS:
        raise ScanError(path, f"cjdata/{name} holds {size:,} numbers", expected=f"at most {MAX_PIXELS:,}")
    return np.asarray(dataset[()])
