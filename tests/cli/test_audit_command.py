"""tumorlens audit, as people and machines call it."""

from __future__ import annotations

import json
from pathlib import Path

import pydicom
import pytest

from tests.fixtures import coco
from tests.fixtures.leaky_dataset import BYTES, MIRRORED, make_leaky_dataset
from tumorlens.auditing import ReferenceIndex
from tumorlens.cli import main
from tumorlens.cli.common import ExitCode
from tumorlens.datasets import open_table, read_table
from tumorlens.datasets.phantom import make
from tumorlens.datasets.phantom.phantom_study import STUDY_SERIES, phantom_study

LEAKED = BYTES + MIRRORED + 1
Out = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("heads") / "heads", patients=12, slices=2, size=96, seed=4)


@pytest.fixture
def place(heads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the leaky set and the phantoms that it was made from."""
    monkeypatch.chdir(tmp_path)
    make_leaky_dataset(tmp_path / "leaky", open_table(heads))
    (tmp_path / "heads").symlink_to(heads)
    return tmp_path


def quick(*arguments: str) -> list[str]:
    return ["audit", *arguments, "--no-shortcuts"]


def test_a_leak_is_printed_first_and_exits_with_3(place: Path, capsys: Out) -> None:
    assert main(quick("leaky")) == ExitCode.ATTENTION == 3
    out, err = capsys.readouterr()
    assert out.startswith(f"Do not report results on this split: {LEAKED} of ")
    assert "test images with a duplicate in train" in out
    assert "written: runs/audit/leaky/report.html" in err
    assert {p.name for p in (place / "runs/audit/leaky").iterdir()} == {"report.html", "audit.json", "run.json"}


def test_a_second_audit_goes_to_a_folder_with_a_number(place: Path) -> None:
    for name in ("leaky", "leaky-2"):
        assert main(quick("leaky", "--exit-zero")) == 0
        assert (place / "runs/audit" / name / "report.html").is_file()


def test_data_without_a_leak_exits_with_0(place: Path, capsys: Out) -> None:
    assert main(quick("heads")) == 0
    assert "Do not report" not in capsys.readouterr().out


def test_json_is_that_of_the_file(place: Path, capsys: Out) -> None:
    assert main(quick("leaky", "--out-dir", "results", "--json")) == 3
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    printed = json.loads(out)
    assert (printed.pop("folder"), printed.pop("tables")) == ("results", [])
    assert printed == {"schema_version": 1} | json.loads((place / "results" / "audit.json").read_text())
    assert printed["leaking"]
    record = json.loads((place / "results" / "run.json").read_text())
    assert record["verb"] == "audit"
    assert record["outputs"] == ["audit.json", "report.html"]
    assert record["verdict"] == printed["verdict"]


def test_no_results_are_overwritten_neither_of_an_audit_nor_of_another_verb(place: Path, capsys: Out) -> None:
    assert main(quick("heads", "--out-dir", "results")) == 0
    before = (place / "results" / "report.html").read_text()
    assert main(quick("leaky", "--out-dir", "results")) == 1
    assert "results: holds results of 'audit'" in capsys.readouterr().err
    assert (place / "results" / "report.html").read_text() == before
    (place / "my-run").mkdir()
    (place / "my-run" / "run.json").write_text('{"verb": "train"}')
    capsys.readouterr()
    assert main(quick("heads", "--out-dir", "my-run")) == 1
    assert "my-run: holds results of 'train'" in capsys.readouterr().err
    assert [p.name for p in (place / "my-run").iterdir()] == ["run.json"]


def test_images_without_annotation_are_an_issue(tmp_path: Path, capsys: Out) -> None:
    coco.export(tmp_path / "mine", {"1.png": [1], "2.png": []})
    out = ["--out-dir", str(tmp_path / "audit"), "--no-shortcuts", "--json"]
    assert main(["audit", str(tmp_path / "mine"), *out]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["images"], found["classes"]) == (2, ["glioma", "unannotated"])
    assert "coco-unannotated" in {issue["kind"] for issue in found["integrity"]}


def test_the_split_it_writes_no_longer_leaks(place: Path, capsys: Out) -> None:
    assert main(["index", "heads", "--output", "heads.npz"]) == 0
    arguments = ["--index", "heads.npz", "--write-split", "split.csv", "--write-clean", "clean.csv"]
    assert main(quick("leaky", *arguments, "--folds", "3", "--val", "0.34", "--exit-zero")) == 0
    assert "written: split.csv" in capsys.readouterr().err
    split = read_table(place / "split.csv")
    assert split.plan is not None
    assert split.plan.folds == 3
    assert len(split) == len(read_table(place / "clean.csv")) < len(open_table("leaky"))
    assert {s.id: s.label for s in split.samples if "misfiled" in s.id} == {}
    assert main(quick("split.csv", "--index", "heads.npz")) == 0


def test_an_index_holds_patients_and_finds_the_source_of_images(place: Path, capsys: Out) -> None:
    assert main(["index", "heads", "--output", "own/atlas.npz", "--name", "atlas", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "schema_version": 1,
        "path": "own/atlas.npz",
        "name": "atlas",
        "slices": 24,
        "patients": 12,
    }
    assert len(ReferenceIndex.load(place / "own" / "atlas.npz")) == 24
    main(quick("leaky", "--index", "own/atlas.npz"))
    assert "images from atlas" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["audit"], 2, "see: tumorlens audit --help"),
        (["index"], 2, "see: tumorlens index --help"),
        (["index", "heads"], 2, "--output"),
        (["audit", "missing"], 1, "missing: no such file or folder"),
        (["audit", "empty"], 1, "empty: holds no known data set"),
        (["audit", "heads", "--index", "no.npz"], 1, "no.npz: no such file"),
        (["index", "missing", "--output", "x.npz"], 1, "missing: no such file or folder"),
    ],
)
def test_data_that_cannot_be_audited_is_one_line(
    arguments: list[str], code: int, message: str, place: Path, capsys: Out
) -> None:
    (place / "empty").mkdir()
    assert main(arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    *notes, error = err.splitlines()
    assert error.startswith("error: ")
    assert message in error
    assert all(line.startswith("note: ") for line in notes)


@pytest.mark.parametrize("words", [["audit"], ["index"]])
def test_both_verbs_have_their_own_help(words: list[str], capsys: Out) -> None:
    assert main([*words, "--help"]) == 0
    assert capsys.readouterr().out.strip().startswith(f"Usage: tumorlens {' '.join(words)} [OPTIONS]")


def test_training_refuses_a_leaking_split_and_makes_one_without_leaks(place: Path, capsys: Out) -> None:
    (place / "leaky/train/no_tumor/broken.png").unlink()
    recipe = ["--recipe", "demo", "--set", "epochs=1", "--set", "input.size=48", "--set", "stop.keep=last"]
    kept = ["train", "leaky", "--keep-split", "--val", "0", *recipe, "--out-dir", "run"]
    assert main(kept) == 1
    assert f"{LEAKED} of 14 test images have a duplicate in train" in capsys.readouterr().err
    assert not (place / "run").exists()
    assert main([*kept, "--allow-leak"]) == 0
    assert f"{LEAKED} of 14 test images have a duplicate in train" in capsys.readouterr().err
    assert main(["train", "leaky", "--folds", "2", "--val", "0", *recipe, "--out-dir", "own"]) == 0
    assert json.loads((place / "own/run.json").read_text())["leaks"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--write-split", "s.csv", "--fold", "9"], 1, "fold 9 of 5; expected 0 to 4"),
        (["--write-split", "heads"], 2, "is a directory"),
        (["--write-clean", "heads"], 2, "is a directory"),
    ],
)
def test_outputs_that_cannot_be_written_are_reported_before_the_work(
    arguments: list[str], code: int, message: str, place: Path, capsys: Out
) -> None:
    assert main(quick("leaky", *arguments)) == code
    assert message in capsys.readouterr().err
    assert not (place / "runs").exists()


def test_no_name_number_or_birth_date_is_in_any_output(tmp_path: Path, capsys: Out) -> None:
    planted = {"PatientName": "Zyxwell^Quorra", "PatientID": "QZ-90817", "PatientBirthDate": "19440229"}
    study = phantom_study(tmp_path / "study", slices=3, gap=15.0, size=96, series=STUDY_SERIES[2:4])
    for path in study.rglob("*.dcm"):
        image = pydicom.dcmread(path)
        image.PatientIdentityRemoved = "NO"
        image.SeriesDescription = f"T1 {image.PatientName} post"
        for keyword, value in planted.items():
            setattr(image, keyword, value)
        image.AccessionNumber, image.PatientAddress = "ACC-556677", "Quillon Street 9"
        image.StudyID, image.PatientComments = "QZ-90817", "calls herself Quorra"
        image.save_as(path)
    tables = ["--write-clean", str(tmp_path / "clean.csv")]
    assert main(quick(str(study), "-o", str(tmp_path / "out"), *tables)) == 0
    assert main([*quick(str(study), "-o", str(tmp_path / "out2")), "--json"]) == 0
    out, err = capsys.readouterr()
    written = [path.read_text(encoding="utf-8") for folder in ("out", "out2") for path in (tmp_path / folder).iterdir()]
    everything = "\n".join([out, err, (tmp_path / "clean.csv").read_text(), *written]).lower()
    for value in ("zyxwell", "quorra", "90817", "19440229", "1944-02-29", "556677", "quillon"):
        assert value not in everything
    report = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert {issue["kind"] for issue in report["integrity"]} >= {"identifying-tags"}
    assert len({volume["study"] for volume in report["volumes"]}) == 1
    assert "PatientBirthDate" in (tmp_path / "out" / "report.html").read_text()
