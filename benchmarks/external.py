"""External test of a model: slices of NIfTI volumes with tumor masks, and of a healthy DICOM series.

    python benchmarks/external.py VOLUMES [--model default]

VOLUMES contains, at any depth, pairs such as ``Pre_Scan_T1.nii.gz`` and ``Pre_Mask.nii.gz``, and .dcm files without a
tumor. Slices of one volume are not independent: results are printed per volume.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
import pydicom

from tumorlens.deploy.predictor import Predictor, load

MIN_HEAD_SHARE = 0.05  # of a slice; slices with less head, at the ends of a volume, are left out
MIN_TUMOR_PIXELS = 20  # smallest reference mask that counts as a tumor

Slice = tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]


def main() -> None:
    """Print the results of each volume and of the healthy series."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("volumes", type=Path)
    parser.add_argument("--model", default="default")
    options = parser.parse_args()
    predictor = load(options.model)
    for scan in sorted(options.volumes.rglob("*Scan*.nii.gz")):
        mask = next(scan.parent.glob(scan.name.split("_")[0] + "_Mask*.nii.gz"))
        _report(f"{scan.parent.name}/{scan.name.split('_')[0]}", _slices(scan, mask), predictor)
    healthy = sorted(options.volumes.rglob("*.dcm"))
    if healthy:
        _report("healthy series", ((_pixels(path), np.zeros((1, 1), bool)) for path in healthy), predictor)


def _report(name: str, slices: Iterator[Slice], predictor: Predictor) -> None:
    results: dict[bool, list[tuple[str, bool, float]]] = {True: [], False: []}
    for pixels, reference in slices:
        prediction = predictor.predict(pixels)
        tumor = int(reference.sum()) >= MIN_TUMOR_PIXELS
        predicted = np.zeros(reference.shape, bool) if prediction.mask is None else prediction.mask > 0
        dice = 2 * (predicted & reference).sum() / (predicted.sum() + reference.sum()) if tumor else 0.0
        results[tumor].append((prediction.label, bool(prediction.ood), float(dice)))
    print(name)
    for tumor, title in ((True, "with tumor"), (False, "without tumor")):
        if rows := results[tumor]:
            labels = ", ".join(f"{label} {n}" for label, n in Counter(row[0] for row in rows).most_common())
            dice = f", mean Dice {np.mean([row[2] for row in rows]):.3f}" if tumor else ""
            print(f"  {len(rows)} slices {title}: {labels}; {sum(row[1] for row in rows)} flagged as OOD{dice}")


def _slices(scan: Path, mask: Path) -> Iterator[Slice]:
    """Axial slices in the orientation of a viewer: anterior at the top."""
    pixels, reference = (
        np.asarray(nibabel.as_closest_canonical(nibabel.load(path)).dataobj, dtype=np.float32) for path in (scan, mask)
    )
    for position in range(pixels.shape[2]):
        one = np.flip(pixels[:, :, position].T, axis=0)
        if (one > 0.1 * np.quantile(pixels, 0.99)).mean() >= MIN_HEAD_SHARE:
            yield one, np.flip(reference[:, :, position].T, axis=0) > 0


def _pixels(path: Path) -> npt.NDArray[np.float32]:
    return pydicom.dcmread(path).pixel_array.astype(np.float32)


if __name__ == "__main__":
    main()
