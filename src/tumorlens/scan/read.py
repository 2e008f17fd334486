"""file -> Scan or mask: the format is that of the content, never that of the name."""

from __future__ import annotations

from pathlib import Path

from tumorlens.scan.content import identify
from tumorlens.scan.mask import as_mask
from tumorlens.scan.matlab import matlab_size, read_matlab, read_matlab_mask
from tumorlens.scan.raster import raster_size, read_raster
from tumorlens.scan.types import Mask, Scan


def read_scan(path: str | Path) -> Scan:
    """Read a scan: PNG, JPEG, TIFF, BMP, or MATLAB v7.3 with a struct `cjdata`.

    Returns:
        Gray values, upright, in the bit depth of the file: (H, W), or (D, H, W) for a TIFF of several pages.

    Raises:
        ScanError: the file is missing, empty, damaged, too large, or not a scan; the message begins with the path.
        MissingExtraError: h5py is needed for this file and is not installed.
    """
    path = Path(path)
    kind = identify(path)
    return read_matlab(path) if kind == "HDF5" else read_raster(path, kind)


def read_size(path: str | Path) -> tuple[int, int]:
    """Height and width of a scan, pixels, as of `read_scan`; errors as there.

    Gray values are not decoded where the format allows it.
    """
    path = Path(path)
    kind = identify(path)
    return matlab_size(path) if kind == "HDF5" else raster_size(path, kind)


def read_mask(path: str | Path) -> Mask:
    """Read a mask from an image with two values, or from tumorMask in a MATLAB v7.3 file.

    Returns:
        (H, W) uint8, 1 = tumor.

    Raises:
        ScanError: as for `read_scan`, or the file holds more than two values.
        MissingExtraError: h5py is needed for this file and is not installed.
    """
    path = Path(path)
    kind = identify(path)
    return read_matlab_mask(path) if kind == "HDF5" else as_mask(read_raster(path, kind).pixels, path)
