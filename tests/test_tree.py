"""What is committed is source: no dumps, no caches, nothing that weighs megabytes by accident."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LARGEST = 700_000  # bytes
# The models that ship, named one by one: any other weights are a dump.
SHIPPED = {
    f"src/tumorlens/weights/{name}{suffix}" for name in ("default", "tiny") for suffix in (".onnx", ".safetensors")
}
LARGER = SHIPPED | {"src/tumorlens/auditing/provenance/indexes/figshare.npz"}  # codes of 3,064 slices, no images
DUMPS = {".pkl", ".pickle", ".npy", ".pt", ".pth", ".ckpt", ".onnx", ".safetensors", ".mat", ".dcm", ".nii", ".gz"}


def tracked() -> list[Path]:
    """Every file git knows of; the test needs a clone."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name]


def test_no_dump_of_data_or_weights_is_committed() -> None:
    dumps = {path.relative_to(ROOT).as_posix() for path in tracked() if path.suffix in DUMPS}
    assert dumps == SHIPPED


def test_nothing_large_is_committed_by_accident() -> None:
    large = [
        path.relative_to(ROOT).as_posix() for path in tracked() if path.is_file() and path.stat().st_size > LARGEST
    ]
    assert sorted(large) == sorted(LARGER)
