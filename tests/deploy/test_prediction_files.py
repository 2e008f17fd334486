"""Predictions of a folder are written as they come, survive an interrupt and a full disk, and are resumed."""

from __future__ import annotations

import csv
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import scans
from tests.fixtures.refusal import assert_refused
from tumorlens._record import Record
from tumorlens.cli import main
from tumorlens.deploy.prediction_files import PredictionFiles
from tumorlens.deploy.predictor import Predictor, load
from tumorlens.errors import RunError

LIMITED = """
import resource, sys
from tumorlens.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))  # writing fails beyond it
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture(scope="module")
def tiny() -> Predictor:
    return load("tiny")


@pytest.fixture
def images(phantoms: Path) -> list[Path]:
    return sorted((phantoms / "images").iterdir())[:6]


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "predictions.jsonl").read_text(encoding="utf-8").splitlines()]


def without_time(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "milliseconds"} for row in found]


def sources(folder: Path) -> list[str]:
    return [row["source"] for row in rows(folder)]


def record(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return found


def test_each_row_is_on_the_disk_when_it_is_added_and_the_table_at_the_end(
    tiny: Predictor, images: list[Path], tmp_path: Path
) -> None:
    with PredictionFiles(tmp_path, tiny, Record("predict"), overlays=True, masks=True) as files:
        assert record(tmp_path)["finished"] is False
        for number, image in enumerate(images, start=1):
            files.add(tiny.predict(image), number)
            assert sources(tmp_path) == [str(path) for path in images[:number]]
    with (tmp_path / "predictions.csv").open(newline="", encoding="utf-8") as stream:
        table = list(csv.DictReader(stream))
    assert [row["source"] for row in table] == sources(tmp_path)
    assert record(tmp_path)["finished"] is True
    assert record(tmp_path)["done"] == len(images)
    for row in rows(tmp_path):
        assert (tmp_path / row["overlay"]).is_file()
        assert (tmp_path / row["mask"]).is_file()


def test_class_names_do_not_choose_the_folder_of_an_overlay(
    tiny: Predictor, images: list[Path], tmp_path: Path
) -> None:
    prediction = tiny.predict(images[0])
    hostile = replace(
        prediction, label="../../no good", probabilities=prediction.probabilities | {"../../no good": 1.0}
    )
    with PredictionFiles(tmp_path, tiny, Record("predict"), overlays=True) as files:
        row = json.loads(files.add(hostile, 1))
    (overlay,) = (tmp_path / "overlays").iterdir()
    assert row["overlay"] == f"overlays/{overlay.name}"


def test_an_interrupted_call_keeps_its_rows_and_is_resumed_with_the_same_result(
    images: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [str(path) for path in images]
    assert main(["predict", *names, "-m", "tiny", "-o", str(tmp_path / "whole"), "-q"]) == 0
    predict_many = Predictor.predict_many

    def interrupted(self: Predictor, *arguments: Any, **options: Any) -> Iterator[Any]:
        for number, item in enumerate(predict_many(self, *arguments, **options)):
            if number == 3:
                raise KeyboardInterrupt
            yield item

    command = ["predict", *names, "-m", "tiny", "-o", str(tmp_path / "part"), "-q"]
    with monkeypatch.context() as patch:
        patch.setattr(Predictor, "predict_many", interrupted)
        assert main(command) == 130
    assert sources(tmp_path / "part") == names[:3]
    assert record(tmp_path / "part")["finished"] is False
    with (tmp_path / "part" / "predictions.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('{"source": "half a row')
    capsys.readouterr()
    assert main(command) == 1
    assert "holds results of 'predict'" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0
    assert without_time(rows(tmp_path / "part")) == without_time(rows(tmp_path / "whole"))
    assert record(tmp_path / "part")["finished"] is True


def test_a_full_disk_leaves_whole_rows_that_are_resumed(images: list[Path], tmp_path: Path) -> None:
    names, folder = [str(path) for path in images], tmp_path / "out"
    command = ["predict", *names, "-m", "tiny", "-o", str(folder)]
    size = len(json.dumps(load("tiny").predict(images[0]).to_dict()))
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(3 * size + 200), *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert 0 < len(rows(folder)) < len(names)
    assert main([*command, "--resume"]) == 0
    assert sources(folder) == names
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_images_that_could_not_be_read_are_tried_again(images: list[Path], tmp_path: Path) -> None:
    bad = scans.raw(tmp_path / "bad.png", b"no image")
    command = ["predict", str(images[0]), str(bad), str(images[1]), "-m", "tiny", "-o", str(tmp_path / "out"), "-q"]
    assert main(command) == 1
    assert sources(tmp_path / "out") == [str(images[0]), str(images[1])]
    bad.write_bytes(images[2].read_bytes())
    assert main([*command, "--resume"]) == 0
    assert sources(tmp_path / "out") == [str(images[0]), str(images[1]), str(bad)]


@pytest.mark.parametrize(
    ("change", "found"), [(["--coverage", "0.9"], "coverage was None, is 0.9"), (["-m", "default"], "model_sha256 was")]
)
def test_predictions_are_not_mixed_with_those_of_other_settings(
    change: list[str], found: str, images: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["predict", str(images[0]), "-m", "tiny", "-o", str(tmp_path / "out"), "-q"]
    assert main(command) == 0
    capsys.readouterr()
    assert main([*command, *change, "--resume"]) == 1
    assert found in capsys.readouterr().err


def test_only_a_folder_of_predictions_can_be_resumed(tiny: Predictor, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"verb": "train"}')
    with assert_refused(RunError, found="no predictions to resume"):
        PredictionFiles(tmp_path, tiny, Record("predict"), resume=True)
    assert (tmp_path / "run.json").read_text() == '{"verb": "train"}'


def test_predict_never_writes_into_the_folder_of_a_run(
    images: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.json").write_text('{"verb": "train"}')
    for more in ([], ["--resume"]):
        assert main(["predict", str(images[0]), "-m", "tiny", "-o", str(tmp_path), *more]) == 1
    assert "holds results of 'train'" in capsys.readouterr().err
    assert (tmp_path / "run.json").read_text() == '{"verb": "train"}'


def test_jobs_and_threads_change_no_prediction_and_are_recorded(images: list[Path], tmp_path: Path) -> None:
    names = [str(path) for path in images]
    for folder, options in {"one": ["--threads", "1", "--jobs", "1"], "two": ["--threads", "4", "--jobs", "2"]}.items():
        assert main(["predict", *names, "-m", "tiny", "-o", str(tmp_path / folder), *options, "-q"]) == 0
    assert without_time(rows(tmp_path / "one")) == without_time(rows(tmp_path / "two"))
    found = record(tmp_path / "two")
    assert (found["threads"], found["jobs"], found["providers"]) == (4, 2, ["CPUExecutionProvider"])


def test_a_device_that_is_not_there_is_one_line_with_advice(
    images: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(images[0]), "--device", "cuda"]) == 1
    err = capsys.readouterr().err
    assert "onnxruntime-gpu" in err
    assert err.count("\n") == 1
