"""What a bundle says of heads from elsewhere: slices of NIfTI volumes with tumor masks, and of a healthy DICOM series.

    python benchmarks/elsewhere.py VOLUMES [--model default]

VOLUMES holds, at any depth, pairs such as ``Pre_Scan_T1.nii.gz`` and ``Pre_Mask.nii.gz``, and .dcm files without a
tumor. Slices of one volume are no independent evidence: volumes and patients are counted beside them.
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

SHOWN = 0.05  # of a slice that must be head, or it is left out: the ends of a volume
LEAST = 20  # pixels of a mask that counts as a tumor

Slice = tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]


def main() -> None:
    """Print one line a volume, and the healthy series."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("volumes", type=Path)
    parser.add_argument("--model", default="default")
    chosen = parser.parse_args()
    predictor = load(chosen.model)
    for scan in sorted(chosen.volumes.rglob("*Scan*.nii.gz")):
        mask = next(scan.parent.glob(scan.name.split("_")[0] + "_Mask*.nii.gz"))
        _report(f"{scan.parent.name}/{scan.name.split('_')[0]}", _slices(scan, mask), predictor)
    healthy = sorted(chosen.volumes.rglob("*.dcm"))
    if healthy:
        _report("healthy series", ((_pixels(path), np.zeros((1, 1), bool)) for path in healthy), predictor)


def _report(name: str, slices: Iterator[Slice], predictor: Predictor) -> None:
    found: dict[bool, list[tuple[str, bool, float]]] = {True: [], False: []}
    for pixels, mask in slices:
        answer = predictor.predict(pixels)
        shown = int(mask.sum()) >= LEAST
        drawn = np.zeros(mask.shape, bool) if answer.mask is None else answer.mask > 0
        dice = 2 * (drawn & mask).sum() / (drawn.sum() + mask.sum()) if shown else 0.0
        found[shown].append((answer.label, bool(answer.ood), float(dice)))
    print(name)
    for shown, what in ((True, "with tumor"), (False, "without tumor")):
        if rows := found[shown]:
            named = ", ".join(f"{label} {n}" for label, n in Counter(row[0] for row in rows).most_common())
            dice = f", mean Dice {np.mean([row[2] for row in rows]):.3f}" if shown else ""
            print(f"  {len(rows)} slices {what}: {named}; {sum(row[1] for row in rows)} marked as outside{dice}")


def _slices(scan: Path, mask: Path) -> Iterator[Slice]:
    """Axial slices as a viewer shows them: the front of the head above."""
    pixels, drawn = (
        np.asarray(nibabel.as_closest_canonical(nibabel.load(path)).dataobj, dtype=np.float32) for path in (scan, mask)
    )
    for position in range(pixels.shape[2]):
        one = np.flip(pixels[:, :, position].T, axis=0)
        if (one > 0.1 * np.quantile(pixels, 0.99)).mean() >= SHOWN:
            yield one, np.flip(drawn[:, :, position].T, axis=0) > 0


def _pixels(path: Path) -> npt.NDArray[np.float32]:
    return pydicom.dcmread(path).pixel_array.astype(np.float32)


if __name__ == "__main__":
    main()
