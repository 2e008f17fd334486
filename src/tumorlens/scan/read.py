"""Source -> Scan or mask: the format is that of the content, never that of the name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy.typing as npt
from PIL import Image

from tumorlens.errors import ScanError
from tumorlens.scan.content import FileContent, identify
from tumorlens.scan.dicom.dicom_scan import dicom_size, read_dicom
from tumorlens.scan.gray_array import read_array
from tumorlens.scan.mask import as_mask
from tumorlens.scan.matlab import matlab_size, read_matlab, read_matlab_mask
from tumorlens.scan.nifti import nifti_size, read_nifti
from tumorlens.scan.raster import raster_size, read_pil, read_raster
from tumorlens.scan.slice_location import SliceLocation
from tumorlens.scan.types import Mask, Scan
from tumorlens.scan.volume_slices import read_mask_slice, read_slice, slice_size

ScanSource = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image | npt.NDArray[Any] | Scan
"""What a scan can be read from."""

MAX_BYTES = 2**30
"""Maximum size of the content of a file that is read from memory or from a stream: 1 GiB."""


def read_scan(source: ScanSource) -> Scan:
    """Read a scan.

    Args:
        source: one of

            - the path of a file: PNG, JPEG, TIFF, BMP, DICOM, NIfTI, or MATLAB v7.3 with a struct `cjdata`;
            - the path of an upright slice: ``"head.nii.gz#axial=12"`` (counted from 0, also ``coronal`` and
              ``sagittal``), or ``"enhanced.dcm#frame=3"`` (counted from 1);
            - the content of such a file: bytes, or a binary file object, which is read from where it stands;
            - a `PIL.Image.Image`;
            - an array, or a tensor in CPU memory: (H, W), (1, H, W) or (H, W, 1) gray values, or (H, W, 3) color,
              which becomes luminance (ITU-R 601); integers or floats;
            - a `Scan`, which is returned as it is.

    Returns:
        Gray values in the bit depth of the source: (H, W), or (D, H, W) for several TIFF pages, an enhanced DICOM file
        or a NIfTI volume. Images are upright by their EXIF tag; slices of DICOM files are as stored.
        `Scan.path` is the path, the name of the file object, or the kind of the source, for example ``"array"``.

    Raises:
        ScanError: the file is missing, empty, damaged, too large, or not a scan, or the source is none of these.
        MissingExtraError: h5py is needed for this file and is not installed.

    Example:
        >>> import tumorlens, numpy as np
        >>> tumorlens.read_scan(np.zeros((64, 48), np.uint8))
        Scan(array: array, 64 x 48, uint8, no spacing)
    """
    if isinstance(source, Scan):
        return source
    if isinstance(source, Image.Image):
        return read_pil(source, Path(getattr(source, "filename", "") or "PIL image"))
    if isinstance(source, str | os.PathLike):
        if location := SliceLocation.parse(Path(source)):
            return read_slice(location)
        return _read_file(FileContent(Path(source)))
    if isinstance(source, bytes | bytearray | memoryview):
        return _read_file(_in_memory(Path("bytes"), bytes(source[: MAX_BYTES + 1])))
    if hasattr(source, "__array__"):
        return read_array(source)
    if callable(getattr(source, "read", None)):
        return _read_file(_content_of(source))
    raise ScanError(
        type(source).__name__,
        "is no image",
        expected="the path of a file, its bytes, a binary file object, a PIL image, or an array",
    )


def read_size(path: str | Path) -> tuple[int, int]:
    """Height and width of a scan, pixels, as of `read_scan`; errors as there.

    Gray values are not decoded where the format allows it.
    """
    if location := SliceLocation.parse(Path(path)):
        return slice_size(location)
    file = FileContent(Path(path))
    match identify(file):
        case "HDF5":
            return matlab_size(file)
        case "DICOM":
            return dicom_size(file)
        case "NIfTI":
            return nifti_size(file)
        case kind:
            return raster_size(file, kind)


def read_mask(path: str | Path) -> Mask:
    """Read a mask from an image with two values, from tumorMask in a MATLAB v7.3 file, or from a slice of a volume.

    Returns:
        (H, W) uint8, 1 = tumor.

    Raises:
        ScanError: as for `read_scan`, or the file holds more than two values.
        MissingExtraError: h5py is needed for this file and is not installed.
    """
    if location := SliceLocation.parse(Path(path)):
        return read_mask_slice(location)
    file = FileContent(Path(path))
    kind = identify(file)
    return read_matlab_mask(file) if kind == "HDF5" else as_mask(_read_kind(file, kind).pixels, file.path)


def _read_file(file: FileContent) -> Scan:
    return _read_kind(file, identify(file))


def _read_kind(file: FileContent, kind: str) -> Scan:
    match kind:
        case "HDF5":
            return read_matlab(file)
        case "DICOM":
            return read_dicom(file)
        case "NIfTI":
            return read_nifti(file)
        case _:
            return read_raster(file, kind)


def _content_of(stream: BinaryIO) -> FileContent:
    """The content of a file object, from where it stands."""
    name = getattr(stream, "name", None)
    path = Path(name) if isinstance(name, str) and name else Path("file object")
    try:
        data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: closed, or text that cannot be decoded
        raise ScanError(path, f"cannot be read ({error})", expected="an open file in binary mode") from error
    if not isinstance(data, bytes | bytearray | memoryview):
        raise ScanError(path, f"returns {type(data).__name__}", "open it with mode 'rb'", expected="bytes")
    return _in_memory(path, bytes(data))


def _in_memory(path: Path, data: bytes) -> FileContent:
    if len(data) > MAX_BYTES:
        raise ScanError(path, f"holds more than {MAX_BYTES:,} bytes", "save it to a file")
    return FileContent(path, data)
