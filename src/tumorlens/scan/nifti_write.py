"""Voxels of a volume -> NIfTI file on the grid of the files that the volume was read from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens._files import atomic_write
from tumorlens.scan.volume import LPS_TO_RAS, Volume

_SCANNER = 1  # NIFTI_XFORM_SCANNER_ANAT: coordinates of the scanner


def save_nifti(voxels: npt.NDArray[Any], volume: Volume, path: str | Path) -> None:
    """Write voxels as a compressed NIfTI file, atomically.

    A volume from a NIfTI file gives back the shape, the order of axes and the affine of that file. A DICOM series gives
    an array of columns, rows and slices.

    Args:
        voxels: (D, H, W) as in `volume`; integers or floats.
        volume: that they belong to, with equally spaced slices.
        path: ends with .nii.gz.

    Raises:
        ValueError: the shape is another one, or the slices of the volume have no common affine.

    Example:
        >>> import numpy as np
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from tumorlens.scan.nifti import read_nifti_volume
        >>> from tumorlens.scan.nifti_write import save_nifti
        >>> from tumorlens.scan.volume import Volume
        >>> steps = [[0, 0, 0], [0, 0, 2], [0, 0, 4]], [0, 1, 0], [1, 0, 0]
        >>> voxels = np.zeros((3, 4, 5), np.uint8)
        >>> volume = Volume((3, 4, 5), *map(np.array, steps), None, voxels.__getitem__, Path("x"), "DICOM")
        >>> with TemporaryDirectory() as folder:
        ...     save_nifti(voxels, volume, Path(folder) / "mask.nii.gz")
        ...     read_nifti_volume(Path(folder) / "mask.nii.gz")
        Volume(mask.nii.gz: NIfTI, 3 x 4 x 5, axial, 2 x 1 x 1 mm)
    """
    import nibabel

    if voxels.shape != volume.size:
        raise ValueError(f"voxels of shape {voxels.shape}; expected {volume.size}, as the volume")
    if volume.grid:
        array, affine, codes = volume.grid.turn.undo(voxels), volume.grid.affine, volume.grid.codes
    elif volume.affine is not None:
        array, codes = voxels.transpose(2, 1, 0), (_SCANNER, _SCANNER)
        affine = LPS_TO_RAS @ volume.affine[:, [2, 1, 0, 3]]
    else:
        raise ValueError("slices without a common affine; expected equally spaced ones")
    kind: Any = nibabel.nifti1.Nifti1Image
    image = kind(np.ascontiguousarray(array), affine)
    image.set_sform(affine, codes[0])
    image.set_qform(affine, codes[1])
    image.header.set_xyzt_units("mm")
    with atomic_write(path) as part:
        named = part.with_name(f"{part.name}.nii.gz")  # nibabel goes by the suffix
        nibabel.save(image, named)
        named.replace(part)
