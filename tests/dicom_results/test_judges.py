"""Programs of others read what is written: dciodvfy, dcmtk, dcmqi, SimpleITK, nibabel; each is skipped where absent."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
import pytest

from tests.fixtures.dicom_tools import dciodvfy_errors, run
from tests.fixtures.hard_case import images, save, volume
from tests.fixtures.hard_dicom import CASES, HardCase
from tests.fixtures.known_results import chosen, entries, known_result, lesion
from tumorlens.datasets.phantom.phantom_study import STUDY_SERIES, series_images
from tumorlens.errors import TumorlensError
from tumorlens.studies.study_result import StudyResult

pytest.importorskip("highdicom")
pytestmark = pytest.mark.slow  # objects of about a hundred series, each read by programs of others

JUDGED = ("seg", "sr", "pm", "sc")
READABLE = [name for name, case in CASES.items() if case.expected.stacks]


def written(result: StudyResult, folder: Path) -> list[Path]:
    """The DICOM files of a result, as far as they can be written."""
    found = result.write(folder, JUDGED)
    assert all("SOPInstanceUID" in reason or "SeriesInstanceUID" in reason for reason in found.refused.values())
    return [path for kind in found.files.values() for path in kind]


@pytest.mark.parametrize("case", [CASES[name] for name in READABLE], ids=READABLE)
def test_dciodvfy_finds_no_error_whatever_the_headers_of_the_source_are(case: HardCase, tmp_path: Path) -> None:
    if case.skip_reason:
        pytest.skip(case.skip_reason)
    (tmp_path / "source").mkdir()
    path = case.write(tmp_path / "source")
    try:
        listed = entries(path)
    except TumorlensError:
        listed = ()
    if not listed:
        pytest.skip("nothing can be read")
    entry = max(listed, key=lambda one: len(one.stack.frames))
    read, choice = chosen(path, entry)
    for made in written(known_result(read, lesion(read.size), choice), tmp_path / "results"):
        assert dciodvfy_errors(made) == [], made.name


@pytest.mark.parametrize("series", STUDY_SERIES, ids=lambda one: one.description)
def test_dciodvfy_finds_no_error_for_any_series_of_a_study(series: object, tmp_path: Path) -> None:
    from tumorlens.datasets.phantom.phantom_study import PhantomSeries

    assert isinstance(series, PhantomSeries)
    path = save(series_images(series, slices=6, size=48), tmp_path / "source")
    listed = [one for one in entries(path) if len(one.stack.frames) >= 4]
    if not listed:
        pytest.skip("no stack of slices: a localizer or a mosaic")
    read, choice = chosen(path, listed[0])
    for made in written(known_result(read, lesion(read.size), choice), tmp_path / "results"):
        assert dciodvfy_errors(made) == [], made.name


PLANES = ["axial", "coronal", "sagittal", "oblique", "row_cosines_negated", "column_cosines_negated", "slices_reversed"]


@pytest.fixture(scope="module", params=[*PLANES, "enhanced_frames_shuffled"])
def placed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyResult, Path]:
    """A result in an orientation, and its files."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param in CASES:
        (folder / "source").mkdir()
        path = CASES[request.param].write(folder / "source")
    else:
        path = save(images(volume(plane=request.param)), folder / "source")
    read, choice = chosen(path)
    result = known_result(read, lesion(read.size), choice)
    result.write(folder / "results", [*JUDGED, "nifti"])
    return result, folder / "results"


def center(mask: npt.NDArray[np.bool_], affine: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Of mass, millimeters."""
    return np.asarray((affine @ [*np.argwhere(mask).mean(axis=0), 1])[:3])


def test_dcmqi_puts_each_segment_where_the_finding_is(placed: tuple[StudyResult, Path], tmp_path: Path) -> None:
    result, folder = placed
    code, output = run(
        "segimage2itkimage", "--inputDICOM", folder / "seg.dcm", "--outputDirectory", tmp_path, "--outputType", "nifti"
    )
    assert code == 0, output
    assert result.volume.affine is not None
    for finding in result.findings:
        image = nibabel.load(tmp_path / f"{finding.number}.nii.gz")
        mask = np.asarray(image.dataobj) > 0
        assert np.count_nonzero(mask) == finding.voxels
        ours = np.diag([-1, -1, 1, 1]) @ result.volume.affine
        expected = center(result.labels == finding.number, ours)
        assert np.abs(center(mask, image.affine) - expected).max() < 0.1


def test_dcmqi_and_dcmtk_read_measurements_and_algorithm(placed: tuple[StudyResult, Path], tmp_path: Path) -> None:
    result, folder = placed
    for name in ("sr_measurements.dcm", "sr_outlines.dcm"):
        code, output = run("dsrdump", folder / name)
        assert code == 0, output
        assert "PRELIMINARY" in output
        assert "UNVERIFIED" in output
        assert "tumorlens known" in output
    code, output = run(
        "tid1500reader", "--inputDICOM", folder / "sr_measurements.dcm", "--outputMetadata", tmp_path / "sr.json"
    )
    assert code == 0, output
    content = json.loads((tmp_path / "sr.json").read_text())
    by_name = {one["TrackingIdentifier"]: one for one in content["Measurements"]}
    for finding in result.findings:
        group = by_name[f"finding {finding.number}"]
        values = {one["quantity"]["CodeMeaning"]: float(one["value"]) for one in group["measurementItems"]}
        assert values["Volume"] == pytest.approx(finding.ml, abs=1e-3)
        assert values["Long Axis"] == pytest.approx(finding.long_axis_mm, abs=0.01)
        assert group["ReferencedSegment"] == finding.number
        assert group["measurementAlgorithmIdentification"]["AlgorithmName"] == "tumorlens known"


def test_simpleitk_opens_mask_and_probability_on_the_grid_of_the_input(placed: tuple[StudyResult, Path]) -> None:
    itk = pytest.importorskip("SimpleITK")
    result, folder = placed
    assert result.volume.affine is not None
    for name, expected in (("mask.nii.gz", result.labels), ("probability.nii.gz", result.probability)):
        image = itk.ReadImage(str(folder / name))
        assert np.array_equal(itk.GetArrayFromImage(image), expected)
        assert image.GetOrigin() == pytest.approx(result.volume.origins[0], abs=0.01)
        last = [size - 1 for size in image.GetSize()]
        corner = (result.volume.affine @ [*last[::-1], 1])[:3]
        assert image.TransformIndexToPhysicalPoint(last) == pytest.approx(corner, abs=0.01)


def test_highdicom_reads_segments_and_probabilities_of_every_orientation_back(placed: tuple[StudyResult, Path]) -> None:
    import highdicom

    result, folder = placed
    made = highdicom.seg.segread(folder / "seg.dcm")
    read = made.get_volume(combine_segments=True)
    assert int(np.count_nonzero(read.array)) == sum(one.voxels for one in result.findings)
    ours = np.asarray(result.volume.affine)
    for finding in result.findings:
        found = center(read.array == finding.number, read.affine)
        assert found == pytest.approx(center(result.labels == finding.number, ours), abs=0.1)
    assert highdicom.imread(folder / "pm.dcm").get_volume().array.max() == pytest.approx(0.875)
