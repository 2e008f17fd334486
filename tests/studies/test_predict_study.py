"""From the path of a study to its answer and its files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from tests.fixtures.bright_model import bright_model, bright_tumor
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets.phantom import phantom_study, render_volume
from tumorlens.datasets.phantom.phantom_study import STUDY_SERIES
from tumorlens.deploy.predictor import Predictor
from tumorlens.errors import StudyError
from tumorlens.scan.nifti import read_nifti_volume
from tumorlens.scan.nifti_write import save_nifti
from tumorlens.studies.predict_study import predict_study
from tumorlens.studies.predict_volume import predict_volume
from tumorlens.studies.slice_images import sheet, shown_slices, slice_image
from tumorlens.studies.study_files import write_study
from tumorlens.studies.study_result import StudyResult


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return phantom_study(tmp_path_factory.mktemp("study") / "s", slices=6, size=48, series=STUDY_SERIES[1:4])


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    """Of a NIfTI file with a tumor."""
    folder = tmp_path_factory.mktemp("head")
    phantom = render_volume("glioma", 1, slices=20, size=64, gap=7.0)
    save_nifti(np.asarray(bright_tumor(phantom)), phantom.to_volume(), folder / "head.nii.gz")
    predictor = Predictor(bright_model(folder / "bright.onnx", size=64), threads=1)
    return predict_volume(predictor, read_nifti_volume(folder / "head.nii.gz"))


def test_a_series_that_is_mostly_out_of_distribution_is_refused_unless_asked(study: Path, tmp_path: Path) -> None:
    strange = Predictor(bright_model(tmp_path / "strange.onnx", ood_score=3.0), threads=1)
    with assert_refused(StudyError, found="6 of 6 slices .* out of distribution", expected="half", advice="any-series"):
        predict_study(study, strange)
    asked = predict_study(study, strange, any_series=True)
    assert asked.ood_slices == 6
    assert "6 of 6 slices are out of distribution" in asked.flags
    assert predict_study(study, strange, series=3).ood_slices == 6  # named by the user


def test_the_files_of_a_study_are_complete_and_fit_the_input(result: StudyResult, tmp_path: Path) -> None:
    write_study(result, tmp_path)
    content = json.loads((tmp_path / "study.json").read_text())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["study.json", *content["files"].values()])
    (finding,) = content["findings"]
    assert content["labels"] == {"background": 0, "finding_1_glioma": 1}
    source = nibabel.load(result.volume.path)
    mask = nibabel.load(tmp_path / content["files"]["mask"])
    assert mask.shape == source.shape
    assert np.allclose(mask.affine, source.affine)
    assert int(np.asanyarray(mask.dataobj).sum()) == finding["voxels"]
    assert np.asanyarray(source.dataobj)[np.asanyarray(mask.dataobj) > 0].mean() > 150
    assert (tmp_path / "mask.ctbl").read_text().splitlines()[1] == "1 finding_1_glioma 0 229 255 255"
    assert content["kind"] == "study"
    assert content["chosen"] == "user"
    assert "the file does not say what sequence" in content["flags"][0]
    assert len(content["slices"]) == content["head_slices"]


def test_the_page_is_one_file_without_script_and_the_same_each_time(result: StudyResult, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_study(result, tmp_path / name)
    page = (tmp_path / "a" / "report.html").read_bytes()
    assert page == (tmp_path / "b" / "report.html").read_bytes()
    text = page.decode()
    assert "<script" not in text
    assert not re.search(r"(?:src|href)=[\"']?https?:", text)
    assert "1 finding above the limit" in text
    assert "does not establish" in text
    assert "It does not establish that a head is healthy" in text
    assert "not a medical device" in text


def test_the_contour_is_where_the_tumor_is_on_an_upright_image(result: StudyResult) -> None:
    (finding,) = result.findings
    plain = np.asarray(slice_image(result, 0).convert("RGB")).astype(int)
    image = np.asarray(slice_image(result, finding.largest_slice, finding)).astype(int)
    cyan = (image[..., 1] - image[..., 0] > 150) & (image[..., 2] > 200)
    assert cyan.any()
    assert not ((plain[..., 1] - plain[..., 0] > 150) & (plain[..., 2] > 200)).any()
    rows, columns = np.nonzero(cyan)
    inside = np.argwhere(result.labels[finding.largest_slice])
    upright = inside.mean(axis=0) / result.labels.shape[1:]  # this volume is stored upright
    assert rows.mean() / image.shape[0] == pytest.approx(upright[0], abs=0.05)
    assert columns.mean() / image.shape[1] == pytest.approx(upright[1], abs=0.05)


def test_slices_with_findings_are_shown_first_of_all_and_in_order(result: StudyResult) -> None:
    held = {one.index for one in result.slices if one.finding_pixels}
    shown = shown_slices(result, len(held) + 2)
    assert held <= set(shown)
    assert shown == sorted(shown)
    assert len(shown) == len(held) + 2
    assert isinstance(sheet(result), Image.Image)


def test_no_name_id_or_birth_date_of_a_patient_is_in_any_file(tmp_path: Path) -> None:
    import pydicom

    folder = phantom_study(tmp_path / "s", slices=6, size=48, series=STUDY_SERIES[1:4])
    secrets = ("Zebedee", "XQ-4711", "19370211", "Plumtree", "Obergurgl")
    for path in folder.rglob("*.dcm"):
        image = pydicom.dcmread(path)
        image.PatientName, image.PatientID, image.PatientBirthDate = f"{secrets[0]}^Ann", secrets[1], secrets[2]
        image.ReferringPhysicianName, image.InstitutionName = secrets[3], secrets[4]
        image.save_as(path)
    result = predict_study(folder, Predictor(bright_model(tmp_path / "bright.onnx"), threads=1))
    (tmp_path / "out").mkdir()
    write_study(result, tmp_path / "out")
    everything = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir()) + repr(result).encode()
    mask = nibabel.load(tmp_path / "out" / "mask.nii.gz")
    everything += bytes(str(mask.header), "utf-8")
    assert [secret for secret in secrets if secret.encode() in everything] == []
