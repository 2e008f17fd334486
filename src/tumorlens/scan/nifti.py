"""NIfTI file -> Volume or Scan; coordinates become LPS here."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tumorlens._arrays import Floats
from tumorlens.errors import ScanError
from tumorlens.scan.content import FileContent, is_dicom
from tumorlens.scan.types import Pixels, Scan
from tumorlens.scan.volume import LPS_TO_RAS, NiftiGrid, Reorientation, Volume, plane_across, reorientation, scan_of

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

MAX_VOXELS = 2**29
"""Maximum number of voxels in one file."""

_THICKER = 1.2  # times the spacing of the other axes: an axis of slices


def read_nifti_volume(path: str | Path, *, number: int | None = None, plane: str | None = None) -> Volume:
    """Read a volume. Its gray values are read when they are asked for, unless the file is compressed.

    Its slices are those of the acquisition: the axis that the header names, else the one with by far the largest
    spacing, else the third; they are turned upright.

    Args:
        path: of a file `.nii`, `.nii.gz`, or of one of a pair `.hdr` and `.img`.
        number: of the volume in a file with four dimensions, counted from 1.
        plane: of the slices, one of `PLANES`; None for that of the acquisition.

    Returns:
        (D, H, W) with an affine to LPS: from the sform where its code is set, else from the qform. Where both codes are
        0 and the spacing is 1 x 1 x 1, the spacing is unknown.

    Raises:
        ScanError: no NIfTI file, damaged or incomplete, more than one volume and no number, or color.

    Example:
        >>> import nibabel, numpy as np
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "head.nii"
        ...     nibabel.save(nibabel.Nifti1Image(np.zeros((5, 4, 3), np.int16), np.diag([1, 1, 5, 1])), path)
        ...     read_nifti_volume(path)
        Volume(head.nii: NIfTI, 3 x 4 x 5, axial, 5 x 1 x 1 mm)
    """
    return open_nifti(FileContent(Path(path)), number, plane)


def read_nifti(content: FileContent) -> Scan:
    """Read one file as a scan: (H, W) where it holds a single slice, else (D, H, W); errors as above."""
    volume = open_nifti(content)
    return volume[0] if len(volume) == 1 else scan_of(volume)


def nifti_size(content: FileContent) -> tuple[int, int]:
    """Height and width of the upright slices, pixels."""
    return open_nifti(content).size[1:]


def open_nifti(content: FileContent, number: int | None = None, plane: str | None = None) -> Volume:
    """Read the volume of a file that may be in memory or in an archive; otherwise as `read_nifti_volume`."""
    image = _opened(content)
    shape, dtype = image.shape, np.dtype(image.dataobj.dtype)
    volumes = int(np.prod(shape[3:], dtype=np.int64))
    if len(shape) < 2 or min(shape) < 1 or dtype.kind not in "iuf":
        raise _error(content, f"holds an array of shape {shape} and type {dtype}")
    if volumes > 1 and number is None:
        raise ScanError(content.path, f"holds {volumes} volumes", "name one of them by its number", expected="one")
    if number is not None and not 1 <= number <= volumes:
        raise ScanError(content.path, f"holds {volumes} volumes; number {number} was asked for")
    shape = (*shape[:3], *(1,) * (3 - len(shape)))
    known, affine = _affine(image)
    notes = () if known else ("the header gives no spacing that can be true: sizes are in voxels",)
    turn = reorientation(affine[:3, :3], plane or _native_plane(image, affine))
    voxels = _Voxels(content, image, shape, (number or 1) - 1, turn)
    corner = affine @ [*((np.array(shape) - 1) * _starts(turn)), 1]
    steps = turn.steps(affine[:3, :3])
    size = tuple(shape[axis] for axis in turn.axes)
    origins = corner[:3] + np.arange(size[0])[:, None] * steps[:, 0]
    return Volume(
        size=(size[0], size[1], size[2]),
        origins=origins,
        row_step=steps[:, 1],
        column_step=steps[:, 2],
        irregular=_shear(steps),
        read=voxels.slice,
        path=content.path,
        format="NIfTI",
        spacing_known=known,
        notes=notes,
        grid=NiftiGrid(turn, np.asarray(image.affine), _codes(image)),
    )


def _codes(image: Nifti1Image) -> tuple[int, int]:
    """What space sform and qform lead to; 0 for none."""
    return int(image.header["sform_code"]), int(image.header["qform_code"])


def _opened(content: FileContent) -> Any:
    """The header of a file, and its data as a proxy."""
    import nibabel

    log = logging.getLogger("nibabel.global")
    silent, log.disabled = log.disabled, True  # it repeats as a log line what the error says
    try:
        if content.on_disk:
            image: Any = nibabel.load(content.path)
        else:
            image = _from_memory(content)
    except Exception as error:  # nibabel raises many types on damaged files
        if is_dicom(content):
            raise ScanError(
                content.path,
                "is a DICOM file",
                "convert a segmentation (SEG) with segimage2itkimage of dcmqi, contours (RTSTRUCT) with plastimatch",
                expected="a NIfTI file, on the grid of its volume where it is a mask",
            ) from error
        raise _error(content, f"is a damaged NIfTI file ({type(error).__name__})") from error
    finally:
        log.disabled = silent
    if not isinstance(image, nibabel.nifti1.Nifti1Pair):
        raise _error(content, f"holds {type(image).__name__}")
    if int(np.prod(image.shape, dtype=np.float64)) > MAX_VOXELS:
        raise _error(content, f"holds {' x '.join(map(str, image.shape))} voxels, more than {MAX_VOXELS:,}")
    return image


def _from_memory(content: FileContent) -> Any:
    import gzip

    import nibabel

    with content.open() as stream:
        data = stream.read()
    if data[:2] == b"\x1f\x8b":
        with gzip.open(io.BytesIO(data)) as unpacked:
            data = unpacked.read(8 * MAX_VOXELS)
    kind = nibabel.nifti2.Nifti2Image if data[4:7] in (b"n+2", b"ni2") else nibabel.nifti1.Nifti1Image
    return kind.from_bytes(data)


def _affine(image: Nifti1Image) -> tuple[bool, Floats]:
    """Whether the spacing can be true, and (4, 4) from voxel indices to LPS."""
    affine = LPS_TO_RAS @ np.asarray(image.affine, dtype=np.float64)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    possible = np.isfinite(affine).all() and (spacing > 0).all() and abs(np.linalg.det(affine[:3, :3])) > 1e-9
    if not possible:
        return False, LPS_TO_RAS.copy()
    return bool(any(_codes(image)) or not np.allclose(spacing, 1)), affine


def _native_plane(image: Nifti1Image, affine: Floats) -> str:
    """The plane of acquisition."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    header: Any = image.header
    axis = header.get_dim_info()[2]
    if axis is None:
        thickest = int(spacing.argmax())
        axis = thickest if spacing[thickest] > _THICKER * np.sort(spacing)[1] else 2
    if 1 in image.shape[:2] and len(image.shape) > 2:  # a single slice along another axis
        axis = image.shape.index(1)
    return plane_across(affine[:3, axis])


def _starts(turn: Reorientation) -> Floats:
    """For each axis of the array whether the first voxel of the result is at its end."""
    starts = np.zeros(3)
    starts[list(turn.axes)] = turn.flips
    return starts


def _shear(steps: Floats) -> str | None:
    """Why axes are not perpendicular; None where they are."""
    directions = steps / np.linalg.norm(steps, axis=0)
    cosines = directions.T @ directions - np.eye(3)
    return None if np.abs(cosines).max() < 0.02 else "sheared: the axes of the file are not perpendicular"


class _Voxels:
    """The gray values of a file, read once where it is compressed."""

    def __init__(
        self, content: FileContent, image: Nifti1Image, shape: tuple[int, ...], volume: int, turn: Reorientation
    ) -> None:
        self._content, self._image, self._shape, self._volume, self._turn = content, image, shape, volume, turn
        self._all: Pixels | None = None

    def slice(self, index: int) -> Pixels:
        """(H, W) of an upright slice; values that are not finite count as the lowest one."""
        if self._all is None:
            self._all = self._stored()
        pixels = self._scaled(self._turn.apply(self._all)[index])
        if pixels.dtype.kind == "f" and not (finite := np.isfinite(pixels)).all():
            pixels = np.where(finite, pixels, pixels[finite].min() if finite.any() else 0).astype(np.float32)
        return np.ascontiguousarray(pixels)

    def _stored(self) -> Pixels:
        proxy: Any = self._image.dataobj
        try:
            where = (
                *(slice(None),) * min(3, len(self._image.shape)),
                *np.unravel_index(self._volume, self._image.shape[3:]),
            )
            values = np.asanyarray(proxy.get_unscaled()[where] if hasattr(proxy, "get_unscaled") else proxy[where])
        except Exception as error:  # a file that ends too early, or is damaged inside
            raise _error(self._content, f"has voxels that cannot be read ({type(error).__name__})") from error
        whole: Pixels = values.reshape(self._shape)
        return whole

    def _scaled(self, values: Pixels) -> Pixels:
        slope, intercept = getattr(self._image.dataobj, "slope", 1.0), getattr(self._image.dataobj, "inter", 0.0)
        if (slope, intercept) == (1.0, 0.0) and values.dtype.name in ("uint8", "uint16", "int16", "int32"):
            return values
        return (values.astype(np.float64) * slope + intercept).astype(np.float32)


def _error(content: FileContent, found: str) -> ScanError:
    return ScanError(content.path, found, "copy or export it again", expected="a NIfTI file with gray values")
