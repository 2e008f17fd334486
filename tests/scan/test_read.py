"""Images are read by their content; every other file is an error of one line."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import scans
from tests.fixtures.refusal import assert_refused
from tumorlens.errors import ScanError
from tumorlens.scan import read_mask, read_scan, read_size

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.parametrize("name", scans.VALID)
def test_every_format_and_color_mode_gives_the_same_image(tmp_path: Path, name: str) -> None:
    build, tolerance = scans.VALID[name]
    scan = read_scan(build(tmp_path / name))
    assert scan.pixels.dtype == np.uint8
    assert scan.size == (scans.HEIGHT, scans.WIDTH)
    assert np.abs(scan.pixels.astype(int) - scans.GRAY).max() <= tolerance


@pytest.mark.parametrize("name", scans.VALID)
def test_the_size_is_read_from_the_header(tmp_path: Path, name: str) -> None:
    path = scans.VALID[name][0](tmp_path / name)
    assert read_size(path) == read_scan(path).size == (scans.HEIGHT, scans.WIDTH)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_upright_image(tmp_path: Path, orientation: int) -> None:
    assert read_size(scans.oriented(tmp_path / "a.jpg", orientation)) == (scans.HEIGHT, scans.WIDTH)


def test_the_size_of_a_matlab_file_and_of_invalid_files(tmp_path: Path) -> None:
    assert read_size(scans.figshare_mat(tmp_path / "1.mat")) == (scans.HEIGHT, scans.WIDTH)
    with assert_refused(ScanError, found="text, not an image"):
        read_size(scans.raw(tmp_path / "a.png", b"no image"))
    with assert_refused(ScanError, found="starts like a PNG but cannot be decoded"):
        read_size(scans.raw(tmp_path / "a.png", b"\x89PNG\r\n\x1a\n" + b"junk" * 9))


def test_the_format_is_that_of_the_content(tmp_path: Path) -> None:
    scan = read_scan(scans.save(tmp_path / "scan.JPG", scans.half_clear(), format="PNG"))
    assert (scan.format, scan.mode, scan.path) == ("PNG", "RGBA", tmp_path / "scan.JPG")


def test_a_path_may_be_a_string(tmp_path: Path) -> None:
    assert read_scan(str(scans.save(tmp_path / "a.png", scans.GRAY))).path == tmp_path / "a.png"


@pytest.mark.parametrize("name", scans.TRANSPARENT)
def test_transparency_is_black(tmp_path: Path, name: str) -> None:
    scan = read_scan(scans.TRANSPARENT[name](tmp_path / name))
    np.testing.assert_array_equal(scan.pixels, scans.HALF_GRAY)


def test_the_transparent_level_of_a_deep_image_is_black(tmp_path: Path) -> None:
    scan = read_scan(scans.save(tmp_path / "a.png", scans.DEEP, transparency=int(scans.DEEP[5, 5])))
    assert scan.pixels.dtype == np.uint16
    np.testing.assert_array_equal(scan.pixels, np.where(scans.DEEP[5, 5] == scans.DEEP, 0, scans.DEEP))


def test_color_becomes_luminance(tmp_path: Path) -> None:
    red, green, blue = (np.eye(3, dtype=np.uint8) * 255)[:, None, None, :]
    levels = [int(read_scan(scans.save(tmp_path / "c.png", c)).pixels[0, 0]) for c in (red, green, blue)]
    assert levels == [76, 150, 29]  # ITU-R 601: 0.299, 0.587, 0.114


@pytest.mark.parametrize("name", ["bits.png", "bits.tif", "bits.bmp"])
def test_one_bit_becomes_black_and_white(tmp_path: Path, name: str) -> None:
    scan = read_scan(scans.save(tmp_path / name, scans.MASK.astype(bool)))
    np.testing.assert_array_equal(scan.pixels, scans.MASK * 255)


@pytest.mark.parametrize("name", scans.DEEP_FILES)
def test_deep_pixels_keep_their_depth(tmp_path: Path, name: str) -> None:
    build, expected = scans.DEEP_FILES[name]
    scan = read_scan(build(tmp_path / name))
    assert scan.pixels.dtype == expected.dtype
    np.testing.assert_array_equal(scan.pixels, expected)
    assert np.ptp(scan.gray()) == 255


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["rotated.png", "rotated.tif"])
def test_exif_orientation_is_undone(tmp_path: Path, name: str, orientation: int) -> None:
    scan = read_scan(scans.oriented(tmp_path / name, orientation))
    np.testing.assert_array_equal(scan.pixels, scans.GRAY)


def test_an_image_with_damaged_exif_is_read(tmp_path: Path) -> None:
    path = scans.save(tmp_path / "a.jpg", scans.gray(), quality=100, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert read_scan(path).size == (scans.HEIGHT, scans.WIDTH)


def test_the_pages_of_a_tiff_are_a_volume(tmp_path: Path) -> None:
    scan = read_scan(scans.pages(tmp_path / "v.tif", scans.DEEP, scans.DEEP + 1, scans.DEEP + 2))
    assert scan.is_volume
    np.testing.assert_array_equal(scan.pixels, np.stack([scans.DEEP, scans.DEEP + 1, scans.DEEP + 2]))


@pytest.mark.parametrize("name", scans.INVALID)
def test_an_invalid_file_is_an_error_of_one_line_that_begins_with_its_name(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    build, found = scans.INVALID[name]
    path = build(tmp_path / name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with assert_refused(ScanError, found=found) as caught:
            read_scan(path)
    assert caught.value.file == str(path)
    assert caught.value.expected or caught.value.advice
    assert capfd.readouterr().err == ""


def test_reading_from_many_threads_does_not_change_the_warning_filters(tmp_path: Path) -> None:
    paths = [scans.save(tmp_path / f"{i}.tif", scans.GRAY) for i in range(8)] * 8
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        scans_read = list(pool.map(read_scan, paths))
    assert warnings.filters == before
    assert all((scan.pixels == scans.GRAY).all() for scan in scans_read)


@pytest.mark.parametrize("level", [1, 7, 255])
def test_a_mask_is_one_where_the_file_is_nonzero(tmp_path: Path, level: int) -> None:
    mask = read_mask(scans.save(tmp_path / "m.png", scans.MASK * np.uint8(level)))
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, scans.MASK)


def test_masks_of_one_bit_and_empty_masks_are_read(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_mask(scans.save(tmp_path / "m.png", scans.MASK.astype(bool))), scans.MASK)
    assert not read_mask(scans.save(tmp_path / "none.png", scans.MASK * 0)).any()


def test_a_mask_is_read_from_a_figshare_file(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    np.testing.assert_array_equal(read_mask(scans.figshare_mat(tmp_path / "1.mat")), scans.MASK)


def test_an_image_of_many_gray_levels_is_not_a_mask(tmp_path: Path) -> None:
    levels = np.unique(scans.GRAY).size
    with pytest.raises(ScanError) as error:
        read_mask(scans.save(tmp_path / "m.png", scans.GRAY))
    assert (error.value.found, error.value.expected) == (
        f"holds {levels} different values",
        "two, 0 and one other",
    )
    with assert_refused(ScanError, found="different values"):
        read_mask(scans.save(tmp_path / "m.jpg", scans.MASK * 255, quality=60))


def test_a_mask_needs_a_background_of_zero_and_one_page(tmp_path: Path) -> None:
    with assert_refused(ScanError, found="the values 1 and 2", expected="0 in the background"):
        read_mask(scans.save(tmp_path / "m.png", scans.MASK + 1))
    with assert_refused(ScanError, found="has 2 pages"):
        read_mask(scans.pages(tmp_path / "m.tif", scans.MASK, scans.MASK))


@pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is missing")
@pytest.mark.parametrize(("folder", "count"), [("navoneel", 253), ("no_tumor/images", 417)])
def test_every_real_image_is_read(folder: str, count: int) -> None:
    paths = [path for path in (DATA / folder).rglob("*") if path.is_file()]
    assert len(paths) == count
    assert all(read_scan(path).pixels.dtype == np.uint8 for path in paths)
