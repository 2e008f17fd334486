"""One image from any source: path, bytes, file object, PIL image and array give the same gray values."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tumorlens.errors import ScanError
from tumorlens.scan import Scan, read_scan

GRAY = np.arange(48 * 64, dtype=np.uint8).reshape(48, 64)
COLOR = np.stack([GRAY, GRAY.T.reshape(48, 64), np.full_like(GRAY, 90)], axis=2)


@pytest.fixture
def png(tmp_path: Path) -> Path:
    path = tmp_path / "scan.png"
    Image.fromarray(GRAY).save(path)
    return path


def test_every_source_of_one_image_gives_the_same_gray_values(png: Path) -> None:
    data = png.read_bytes()
    with png.open("rb") as stream, Image.open(png) as image:
        sources: list[Any] = [png, str(png), data, bytearray(data), memoryview(data), stream, io.BytesIO(data), image]
        sources += [GRAY, GRAY[None], GRAY[:, :, None], read_scan(png)]
        for source in sources:
            np.testing.assert_array_equal(read_scan(source).pixels, GRAY)


def test_a_color_array_and_the_same_color_file_give_the_same_luminance(tmp_path: Path) -> None:
    Image.fromarray(COLOR).save(tmp_path / "color.png")
    expected = read_scan(tmp_path / "color.png").pixels
    np.testing.assert_array_equal(read_scan(COLOR).pixels, expected)
    np.testing.assert_allclose(read_scan(COLOR.astype(np.float64)).pixels, expected, atol=1)


def test_the_exif_orientation_of_a_pil_image_is_undone_as_for_a_file(tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GRAY).save(path, exif=exif)
    with Image.open(path) as image:
        np.testing.assert_array_equal(read_scan(image).pixels, read_scan(path).pixels)


def test_a_file_object_is_read_from_where_it_stands(png: Path) -> None:
    stream = io.BytesIO(b"header" + png.read_bytes())
    stream.seek(len(b"header"))
    np.testing.assert_array_equal(read_scan(stream).pixels, GRAY)


def test_the_scan_of_a_file_object_has_the_name_of_its_file(png: Path) -> None:
    with png.open("rb") as stream:
        assert read_scan(stream).path == png
    assert read_scan(io.BytesIO(png.read_bytes())).path == Path("file object")
    assert read_scan(png.read_bytes()).path == Path("bytes")


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32"])
def test_an_array_keeps_its_depth(dtype: str) -> None:
    scan = read_scan(GRAY.astype(dtype))
    assert (scan.pixels.dtype, scan.mode) == (dtype, dtype)


@pytest.mark.parametrize("dtype", ["float16", "float64", "int64", "uint32", "int8"])
def test_an_array_of_another_depth_becomes_float32(dtype: str) -> None:
    scan = read_scan((GRAY % 100).astype(dtype))
    assert scan.pixels.dtype == np.float32
    np.testing.assert_array_equal(scan.pixels, GRAY % 100)


def test_a_tensor_is_read_as_an_array() -> None:
    torch = pytest.importorskip("torch")
    np.testing.assert_array_equal(read_scan(torch.from_numpy(GRAY)[None]).pixels, GRAY)


@pytest.mark.parametrize(
    ("source", "name", "found"),
    [
        (None, "NoneType", "is no image"),
        (7, "int", "is no image"),
        ([1, 2], "list", "is no image"),
        ({"image": 1}, "dict", "is no image"),
        (np.zeros((48, 64), bool), "array", "type bool"),
        (np.zeros((48, 64), complex), "array", "type complex128"),
        (np.array([["a"]]), "array", "type <U1"),
        (np.zeros((3, 48, 64)), "array", "shape (3, 48, 64)"),
        (np.zeros((48, 64, 4)), "array", "shape (48, 64, 4)"),
        (np.zeros((2, 48, 64)), "array", "shape (2, 48, 64)"),
        (np.zeros((1, 1, 48, 64)), "array", "shape (1, 1, 48, 64)"),
        (np.zeros(48), "array", "shape (48,)"),
        (np.float32(3), "array", "shape ()"),
        (np.zeros((0, 64)), "array", "holds no pixel"),
        (np.zeros((1, 2**15)), "array", "declares more than"),
        (b"", "bytes", "is empty"),
        (b"not an image", "bytes", "text"),
        (io.StringIO("text"), "file object", "returns str"),
        (Image.new("L", (0, 5)), "PIL image", "(0, 5)"),
    ],
)
def test_anything_else_is_an_error_that_says_what_it_got(source: Any, name: str, found: str) -> None:
    with pytest.raises(ScanError) as caught:
        read_scan(source)
    assert caught.value.file == name
    assert found in caught.value.found
    assert caught.value.expected or caught.value.advice


def test_a_closed_file_is_a_scan_error(png: Path) -> None:
    stream = png.open("rb")
    stream.close()
    with pytest.raises(ScanError) as caught:
        read_scan(stream)
    assert "closed" in caught.value.found


def test_a_truncated_pil_image_is_a_scan_error(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (96, 96)).astype(np.uint8)
    path = tmp_path / "half.png"
    Image.fromarray(noise).save(path)
    image = Image.open(io.BytesIO(path.read_bytes()[:3000]))
    with pytest.raises(ScanError, match="cannot be decoded"):
        read_scan(image)


def test_the_repr_of_a_scan_is_one_line() -> None:
    assert repr(read_scan(GRAY)) == "Scan(array: array, 48 x 64, uint8, no spacing)"
    volume = Scan(np.zeros((3, 4, 5), np.int16), Path("a/b.tif"), "TIFF", "I;16", (2.0, 0.5, 0.5))
    assert repr(volume) == "Scan(b.tif: TIFF, 3 x 4 x 5, int16, 2 x 0.5 x 0.5 mm)"
