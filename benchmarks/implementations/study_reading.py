"""Every frame of a series, decoded once: MODE FOLDER -> seconds. MODE is pydicom or tumorlens."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pydicom
from rounds import serve

import tumorlens


def by_pydicom(folder: Path) -> None:
    """Files in any order, without a place in the patient."""
    for path in sorted(folder.rglob("*.dcm")):
        assert pydicom.dcmread(path).pixel_array.ndim == 2


def by_tumorlens(folder: Path) -> None:
    """A volume: frames checked, sorted along their normal, rescaled."""
    assert np.asarray(tumorlens.read_volume(folder)).ndim == 3


def main() -> None:
    """One reading of the folder for each round."""
    read = {"pydicom": by_pydicom, "tumorlens": by_tumorlens}[sys.argv[1]]
    folder = Path(sys.argv[2])

    def one_round() -> float:
        start = time.perf_counter()
        read(folder)
        return time.perf_counter() - start

    one_round()
    serve(one_round)


if __name__ == "__main__":
    main()
