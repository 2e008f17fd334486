"""tumorlens predict on studies: rows, files, exit codes, and one bad study among others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from tests.fixtures.bright_model import bright_model, bright_tumor
from tumorlens.cli import main
from tumorlens.datasets.phantom import phantom_study, render_volume
from tumorlens.datasets.phantom.phantom_study import STUDY_SERIES
from tumorlens.scan.nifti_write import save_nifti


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(bright_model(tmp_path_factory.mktemp("model") / "bright.onnx", size=64))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A DICOM study, a NIfTI file, a damaged NIfTI file, and an image."""
    folder = tmp_path / "place"
    phantom_study(folder / "study", slices=6, size=48, series=STUDY_SERIES[1:4])
    phantom = render_volume("glioma", 1, slices=20, size=64, gap=7.0)
    save_nifti(np.asarray(bright_tumor(phantom)), phantom.to_volume(), folder / "head.nii.gz")
    (folder / "bad.nii.gz").write_bytes((folder / "head.nii.gz").read_bytes()[:3000])
    Image.fromarray(np.eye(32, dtype=np.uint8) * 90).save(folder / "slice.png")
    return folder


def test_each_row_names_its_kind_and_one_bad_study_does_not_stop_the_rest(
    place: Path, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["predict", str(place), "-m", model, "-o", str(out)]) == 1
    captured = capsys.readouterr()
    assert "bad.nii.gz" in captured.err
    assert "1 finding above the limit" in captured.out
    rows = [json.loads(line) for line in (out / "studies.jsonl").read_text().splitlines()]
    assert [row["kind"] for row in rows] == ["study", "study"]
    assert [Path(row["source"]).name for row in rows] == ["place", "head.nii.gz"]
    for row in rows:
        assert (out / row["folder"] / row["files"]["page"]).is_file()
        assert "slices" not in row
    (image,) = [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]
    assert image["kind"] == "slice"
    record = json.loads((out / "run.json").read_text())
    assert record["studies_done"] == 2
    assert len(record["studies_failed"]) == 1
    assert record["outputs"] == ["predictions.jsonl", "predictions.csv", "studies.jsonl"]
    assert record["finished"] is True


def test_a_call_that_is_resumed_predicts_what_is_left(
    place: Path, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    main(["predict", str(place), "-m", model, "-o", str(out)])
    whole = (out / "studies.jsonl").read_bytes()
    first, second = whole.splitlines(keepends=True)
    (out / "studies.jsonl").write_bytes(first + second[:40])
    shutil.rmtree(out / json.loads(second)["folder"])
    capsys.readouterr()
    assert main(["predict", str(place), "-m", model, "-o", str(out), "--resume"]) == 1
    assert "place:" not in capsys.readouterr().out
    assert (out / "studies.jsonl").read_bytes() == whole
    assert main(["predict", str(place), "-m", model, "-o", str(out), "--resume", "--planes", "acquired"]) == 1
    assert "planes was auto, is acquired" in capsys.readouterr().err


def test_the_files_of_one_study_are_in_the_folder_itself(
    place: Path, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(place / "head.nii.gz"), "-m", model, "-o", str(tmp_path / "out")]) == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {"study.json", "mask.nii.gz", "sheet.png", "report.html", "studies.jsonl", "run.json"}


def test_a_series_on_request_exits_with_3_and_none_with_1(
    place: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    study = str(place / "study")
    assert main(["predict", study, "-m", model, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["use"], found["series"]["series_number"], len(found["passed_over"])) == ("yes", 3, 2)
    assert main(["predict", study, "-m", model, "--series", "4"]) == 3
    assert "not what the model was made for" in capsys.readouterr().out
    assert main(["predict", study, "-m", model, "--series", "9"]) == 1
    shutil.rmtree(next(iter((place / "study").glob("03_*"))))
    assert main(["predict", study, "-m", model]) == 1
    assert "expected a series that is known to be T1 after contrast" in capsys.readouterr().err
    assert main(["predict", study, "-m", model, "--any-series"]) == 3


def test_spacing_and_the_number_of_a_volume_are_given_by_the_user(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = np.asarray(bright_tumor(render_volume("glioma", 1, slices=20, size=64, gap=7.0))).transpose(2, 1, 0)
    four = np.stack([np.zeros_like(head), head], axis=-1)
    nibabel.save(nibabel.Nifti1Image(four, np.eye(4)), tmp_path / "four.nii.gz")
    path = str(tmp_path / "four.nii.gz")
    assert main(["predict", path, "-m", model]) == 1
    assert "2 volumes" in capsys.readouterr().err
    assert main(["predict", path, "-m", model, "--volume", "2", "--json"]) == 0
    unknown = json.loads(capsys.readouterr().out)
    assert unknown["findings"][0]["ml"] is None or unknown["spacing"]
    assert main(["predict", path, "-m", model, "--volume", "2", "--spacing", "7,1,1", "--json"]) == 0
    given = json.loads(capsys.readouterr().out)
    assert given["spacing"] == [7, 1, 1]
    assert given["findings"][0]["ml"] == pytest.approx(given["findings"][0]["voxels"] * 7 / 1000, abs=1e-3)
    assert main(["predict", path, "-m", model, "--spacing", "1,1"]) == 2


def test_a_damaged_file_of_a_study_is_named_and_the_others_have_a_result(
    place: Path, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = sorted((place / "study").glob("04_*/*"))[0]
    first.write_bytes(first.read_bytes()[:1500])
    out = tmp_path / "out"
    assert main(["predict", str(place / "study"), "-m", model, "-o", str(out)]) == 1
    captured = capsys.readouterr()
    assert f"left out 1 frame of 'T2 axial' in {first}" in captured.err
    assert "series 3" in captured.out
    assert "cut off" in json.loads((out / "run.json").read_text())["studies_failed"][0]
    assert "cut off" in json.loads((out / "study.json").read_text())["refused"][0]["reason"]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--coverage", "0.9"], 2, "--coverage is for images, and there are none"),
        (["--volume", "2"], 1, "which has no numbered volumes; leave out --volume"),
        (["--series", "x"], 1, "no series 'x'"),
    ],
)
def test_an_option_that_a_study_cannot_have_is_refused(
    options: list[str], code: int, message: str, place: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(place / "study"), "-m", model, *options]) == code
    assert message in capsys.readouterr().err


def test_an_option_of_studies_is_refused_for_images_and_a_series_for_nifti(
    place: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(place / "slice.png"), "-m", model, "--series", "3"]) == 2
    assert "--series is for studies, and there are none" in capsys.readouterr().err
    assert main(["predict", str(place / "head.nii.gz"), "-m", model, "--series", "3"]) == 1
    assert "a NIfTI file, which has no series" in capsys.readouterr().err


def test_a_folder_without_images_and_studies_is_named(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["predict", str(tmp_path / "empty"), "-m", model]) == 1
    assert "holds no image, and no DICOM or NIfTI file" in capsys.readouterr().err


def test_results_for_viewers_are_written_where_they_are_wanted(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("highdicom")
    study = phantom_study(tmp_path / "study", slices=6, size=48, series=STUDY_SERIES[1:4])
    out = tmp_path / "out"
    main(["predict", str(study), "-m", model, "-o", str(out), "--write", "seg,sr,pm,sc,nifti"])
    content = json.loads((out / "study.json").read_text())
    results = content["results"]
    assert set(results["files"]) | set(results["left_out"]) == {"seg", "sr", "pm", "sc", "nifti"}
    assert ("seg" in results["files"]) == bool(content["findings"])
    assert results["refused"] == {}
    for names in results["files"].values():
        assert all((out / name).is_file() for name in names)
    record = json.loads((out / "run.json").read_text())
    assert record["write"] == ["seg", "sr", "pm", "sc", "nifti"]
    assert record["model_sha256"] == content["model_sha256"]
    if not content["findings"]:
        assert "not written: seg; nothing was found" in capsys.readouterr().out


def test_a_kind_that_a_file_cannot_have_is_an_error_and_the_rest_is_written(
    place: Path, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("highdicom")
    out = tmp_path / "out"
    assert main(["predict", str(place / "head.nii.gz"), "-m", model, "-o", str(out), "--write", "seg,nifti"]) == 1
    assert "not written as seg: was not read from DICOM files" in capsys.readouterr().err
    assert (out / "probability.nii.gz").is_file()
    assert not (out / "seg.dcm").exists()


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--write", "seg"], "--write needs --out-dir"),
        (["-o", "out", "--write", "seg,rtss"], "'rtss' for --write"),
    ],
)
def test_a_wrong_use_of_write_is_refused_before_anything_is_predicted(
    options: list[str], found: str, place: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(place), "-m", model, *options]) == 2
    assert found in capsys.readouterr().err
