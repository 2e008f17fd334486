"""Folders of real DICOM files -> what was read right, what was refused and why: ``python benchmarks/real_series.py``.

The judge reads each file again with pydicom alone, and asks of random pixels whether they are at the place and have the
value that the volume gives them. The files are not part of the project: the sets of dcm2niix (github.com/neurolabusc,
dcm_qa and its siblings) have series of most vendors.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom

from tumorlens.errors import TumorlensError
from tumorlens.scan.dicom.read_stacks import read_stacks
from tumorlens.scan.volume import SliceSource, Volume

_SLICES, _PIXELS = 6, 200  # of each stack, and of each slice


@dataclass(frozen=True)
class Truth:
    """One frame as its file says, read without tumorlens."""

    position: np.ndarray[Any, Any]
    cosines: np.ndarray[Any, Any]
    spacing: np.ndarray[Any, Any]
    values: np.ndarray[Any, Any]

    @classmethod
    def of(cls, source: SliceSource) -> Truth:
        """Read the file of a slice."""
        image = pydicom.dcmread(source.path)
        values = image.pixel_array.astype(float)
        if (padding := image.get("PixelPaddingValue")) is not None:
            values[values == padding] = np.nan  # beside the field of view; no value of the patient
        if source.frame is None:
            parts = image.ImagePositionPatient, image.ImageOrientationPatient, image.PixelSpacing
            slope, intercept = image.get("RescaleSlope", 1), image.get("RescaleIntercept", 0)
        else:
            own = image.PerFrameFunctionalGroupsSequence[source.frame - 1]
            shared = (image.get("SharedFunctionalGroupsSequence") or [{}])[0]

            def group(name: str) -> Any:
                return (own if name in own else shared)[name].value[0]

            parts = (
                group("PlanePositionSequence").ImagePositionPatient,
                group("PlaneOrientationSequence").ImageOrientationPatient,
                group("PixelMeasuresSequence").PixelSpacing,
            )
            slope, intercept = 1, 0
            if "PixelValueTransformationSequence" in own or "PixelValueTransformationSequence" in shared:
                scale = group("PixelValueTransformationSequence")
                slope, intercept = scale.RescaleSlope, scale.RescaleIntercept
            values = values[source.frame - 1] if values.ndim == 3 else values
        position, cosines, spacing = (np.array(part, dtype=float) for part in parts)
        return cls(position, cosines, spacing, values * float(slope or 1) + float(intercept or 0))


def is_right(volume: Volume, rng: np.random.Generator) -> bool:
    """Whether random pixels are where their file says, with the value it says."""
    for index in rng.choice(len(volume), min(len(volume), _SLICES), replace=False):
        truth = Truth.of(volume.sources[index])
        pixels = volume.read(int(index))
        rows, columns = (rng.integers(0, size, _PIXELS) for size in truth.values.shape)
        steps = truth.cosines[3:] * truth.spacing[0], truth.cosines[:3] * truth.spacing[1]
        expected = truth.position + rows[:, None] * steps[0] + columns[:, None] * steps[1]
        if volume.affine is None:
            places = volume.origins[index] + rows[:, None] * volume.row_step + columns[:, None] * volume.column_step
        else:
            corners = np.stack([np.full(_PIXELS, index), rows, columns, np.ones(_PIXELS)])
            places = (volume.affine @ corners)[:3].T
        far = np.linalg.norm(places - expected, axis=1).max() > 0.5 * truth.spacing.min()
        values = truth.values[rows, columns]
        if far or (np.abs(pixels[rows, columns] - values) > np.maximum(1e-3 * np.abs(values), 0.51)).any():  # not NaN
            return False
    return True


def judged(folder: Path) -> tuple[Counter[str], Counter[str]]:
    """What was read, by kind and whether it is right; and what was refused, by reason."""
    contents = read_stacks(folder)
    rng, read = np.random.default_rng(0), Counter[str]()
    for stack in contents.stacks:
        volume = stack.volume()
        kind = "single slice" if len(volume) == 1 else (stack.irregular or "regular").partition(":")[0]
        try:
            read[f"{kind}, {'right' if is_right(volume, rng) else 'WRONG'}"] += 1
        except TumorlensError as error:
            read[f"{kind}, not decoded: {error.found}"] += 1
    return read, Counter(refusal.reason for refusal in contents.refusals)


def main() -> None:
    """Print one row for each folder, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    warnings.simplefilter("ignore")
    print("| set | stacks read | refused |\n|---|---|---|")
    all_read, all_refused = Counter[str](), Counter[str]()
    for folder in parser.parse_args().folders:
        read, refused = judged(folder)
        all_read, all_refused = all_read + read, all_refused + refused
        print(f"| {folder.name} | {_listed(read)} | {_listed(refused)} |", flush=True)
    print(f"| all | {_listed(all_read)} | {_listed(all_refused)} |")


def _listed(counts: Counter[str]) -> str:
    return "; ".join(f"{count} {name}" for name, count in counts.most_common()) or "none"


if __name__ == "__main__":
    main()
