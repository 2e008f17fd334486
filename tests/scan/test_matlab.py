"""The .mat files of the Figshare release, and errors for invalid ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fixtures import scans
from tests.fixtures.refusal import assert_refused
from tumorlens.errors import MissingExtraError, ScanError
from tumorlens.scan import matlab, read_figshare, read_scan

pytest.importorskip("h5py")


def test_a_figshare_file_is_read_with_all_members_and_upright(tmp_path: Path) -> None:
    record = read_figshare(scans.figshare_mat(tmp_path / "1.mat"))
    assert (record.label, record.patient_id) == (2, "MR040240B")
    assert (record.scan.format, record.scan.mode) == ("MATLAB v7.3", "int16")
    np.testing.assert_array_equal(record.scan.pixels, scans.GRAY.astype(np.int16) * 8)
    np.testing.assert_array_equal(record.mask, scans.MASK)


def test_read_scan_needs_the_image_only_and_no_extension(tmp_path: Path) -> None:
    scan = read_scan(scans.figshare_mat(tmp_path / "slice", without="label"))
    np.testing.assert_array_equal(scan.pixels, scans.GRAY.astype(np.int16) * 8)


def test_doubles_become_float32(tmp_path: Path) -> None:
    assert read_scan(scans.figshare_mat(tmp_path / "1.mat", image=scans.GRAY / 7)).pixels.dtype == np.float32


@pytest.mark.parametrize("member", ["image", "tumorMask", "label", "PID"])
def test_a_missing_member_is_an_error_that_names_it(tmp_path: Path, member: str) -> None:
    with assert_refused(ScanError, file=r"1\.mat$", found=f"cjdata has no member '{member}'"):
        read_figshare(scans.figshare_mat(tmp_path / "1.mat", without=member))


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"tumorMask": scans.MASK}, r"image is \(24, 32\) but tumorMask is \(32, 24\)"),
        ({"tumorMask": scans.GRAY.T}, "different values"),
        ({"label": [[4.0]]}, r"label is \[4\.0\]"),
        ({"label": [[1.0, 2.0]]}, r"label is \[1\.0, 2\.0\]"),
        ({"label": [[1.5]]}, r"label is \[1\.5\]"),
        ({"PID": np.zeros((2, 1), np.uint16)}, "PID is empty"),
        ({"PID": b"100360"}, "does not hold numbers"),
        ({"image": np.zeros((0, 0))}, "image is empty"),
        ({"image": np.zeros(5)}, "not an image"),
        ({"image": np.zeros((2, 2), complex)}, "does not hold numbers"),
    ],
)
def test_an_invalid_member_is_an_error_that_describes_it(tmp_path: Path, members: dict[str, Any], found: str) -> None:
    with assert_refused(ScanError, found=found):
        read_figshare(scans.figshare_mat(tmp_path / "1.mat", **members))


def test_a_huge_image_is_refused_before_it_is_read(tmp_path: Path) -> None:
    import h5py

    path = scans.figshare_mat(tmp_path / "1.mat", without="image")
    with h5py.File(path, "a") as file:
        file["cjdata"].create_dataset("image", shape=(100_000, 100_000), dtype="u1", chunks=(1000, 1000))
    with assert_refused(ScanError, found="holds 10,000,000,000 numbers"):
        read_scan(path)


def test_an_image_is_not_a_figshare_file(tmp_path: Path) -> None:
    with pytest.raises(ScanError) as error:
        read_figshare(scans.save(tmp_path / "1.mat", scans.GRAY, format="PNG"))
    assert (error.value.file, error.value.found) == (str(tmp_path / "1.mat"), "is an image")
    assert str(error.value.expected).startswith("the struct of the Figshare release")


def test_without_h5py_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = scans.figshare_mat(tmp_path / "1.mat")
    monkeypatch.setattr(matlab, "require", lambda module, extra, purpose: _missing(extra, purpose))
    with assert_refused(MissingExtraError, found="audit: read MATLAB"):
        read_scan(path)


def _missing(extra: str, purpose: str) -> None:
    raise MissingExtraError(found=f"{extra}: {purpose}")
