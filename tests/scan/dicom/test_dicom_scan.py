"""One DICOM file as a scan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from tests.fixtures.hard_case import images, save, volume
from tests.fixtures.hard_dicom import CASES
from tumorlens.errors import MissingExtraError, ScanError
from tumorlens.scan import read_scan, read_size
from tumorlens.scan.content import FileContent
from tumorlens.scan.dicom.dicom_file import read_dicom_file


def test_a_slice_has_its_values_spacing_and_orientation(tmp_path: Path) -> None:
    save(images(), tmp_path)
    scan = read_scan(tmp_path / "0003.dcm")
    assert np.array_equal(scan.pixels, volume().voxels[2])
    assert scan.format == "DICOM"
    assert scan.orientation == "PL"
    assert scan.spacing == pytest.approx(volume().spacing[1:], abs=1e-6)
    assert read_size(tmp_path / "0003.dcm") == scan.size
    assert np.array_equal(read_scan((tmp_path / "0003.dcm").read_bytes()).pixels, scan.pixels)


def test_a_slice_without_a_place_is_read_without_spacing(tmp_path: Path) -> None:
    path = CASES["no_position"].write(tmp_path) if "no_position" in CASES else None
    if path is None:
        (image, *_) = images()
        del image.ImagePositionPatient
        path = save([image], tmp_path)
    scan = read_scan(sorted(path.rglob("*.dcm"))[0])
    assert scan.spacing is None
    assert scan.orientation is None


@pytest.mark.parametrize("name", ["no_pixels", "rgb", "mosaic"])
def test_what_holds_no_gray_slice_is_refused(name: str, tmp_path: Path) -> None:
    folder = CASES[name].write(tmp_path)
    with pytest.raises(ScanError) as caught:
        read_scan(next(path for path in sorted(folder.rglob("*")) if path.is_file()))
    assert caught.value.found.startswith("holds ")


def test_a_lossless_jpeg_names_the_extra_that_decodes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES.get("jpeg_lossless")
    if case is None or case.skip_reason:
        pytest.skip("dcmcjpeg of dcmtk is not installed")
    path = next(iter(sorted(case.write(tmp_path).rglob("*.dcm"))))
    from pydicom.pixels.decoders import JPEGLosslessDecoder, JPEGLosslessSV1Decoder

    for decoder in (JPEGLosslessDecoder, JPEGLosslessSV1Decoder):
        monkeypatch.setattr(decoder, "_available", {})
    with pytest.raises(MissingExtraError) as caught:
        read_scan(path)
    assert "tumorlens[dicom]" in str(caught.value)


@pytest.mark.parametrize(
    ("allocated", "stored", "signed"), [(16, 12, 0), (16, 12, 1), (16, 16, 1), (8, 8, 0), (8, 7, 1)]
)
@pytest.mark.parametrize("frames", [1, 3])
def test_uncompressed_values_are_those_that_pydicom_decodes(
    tmp_path: Path, allocated: int, stored: int, signed: int, frames: int
) -> None:
    """Also where the unused bits hold something else."""
    (image, *_) = images()
    size = frames * image.Rows * image.Columns * allocated // 8
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = (
        allocated,
        stored,
        stored - 1,
        signed,
    )
    image.NumberOfFrames = frames
    image.PixelData = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8).tobytes()
    path = tmp_path / "noise.dcm"
    image.save_as(path, enforce_file_format=True)
    expected = pydicom.dcmread(path).pixel_array.reshape(frames, image.Rows, image.Columns)
    file = read_dicom_file(FileContent(path))
    for index in range(frames):
        assert np.array_equal(file.stored(index), expected[index])
        assert file.stored(index).dtype == expected.dtype
