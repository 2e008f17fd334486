"""tumorlens predict: predictions, files, overlays and exit codes, with and without torch."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fixtures import scans
from tests.fixtures.without_torch import BLOCKED
from tumorlens.cli import main
from tumorlens.scan.islands import without_islands


def images(phantoms: Path) -> list[str]:
    return [str(p) for p in sorted((phantoms / "images").iterdir())]


def test_each_image_gets_one_line(model_file: Path, phantoms: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(phantoms / "images"), "--model", str(model_file)]) == 0
    out, err = capsys.readouterr()
    assert [line.split(": ")[0] for line in out.splitlines()] == images(phantoms)
    assert err == ""


def test_json_is_one_object_with_a_schema_version_for_each_image(
    model_file: Path, phantoms: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUMORLENS_MODEL", str(model_file))
    assert main(["predict", f"{phantoms}/images/*_00.png", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["source"] for row in rows] == [p for p in images(phantoms) if p.endswith("_00.png")]
    assert {row["schema_version"] for row in rows} == {1}
    assert all(sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-4) for row in rows)


def test_a_bad_file_is_reported_and_the_others_are_predicted(
    model_file: Path, phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = images(phantoms)[:2]
    bad = scans.raw(tmp_path / "bad.png", b"no image")
    missing = tmp_path / "missing.png"
    out = tmp_path / "predictions"
    arguments = [
        "predict",
        first,
        str(bad),
        str(missing),
        second,
        "-m",
        str(model_file),
        "--out-dir",
        str(out),
        "--overlays",
    ]
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 2
    assert [line.split(": ")[1] for line in printed.err.splitlines() if "error" in line] == [str(bad), str(missing)]

    rows = [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]
    with (out / "predictions.csv").open(newline="") as stream:
        table = list(csv.DictReader(stream))
    record = json.loads((out / "run.json").read_text())
    assert [row["source"] for row in rows] == [row["source"] for row in table] == [first, second]
    assert [row["label"] for row in rows] == [row["label"] for row in table]
    assert float(table[0][f"p_{table[0]['label']}"]) == rows[0]["probabilities"][rows[0]["label"]]
    assert record["done"] == 2
    assert [str(bad) in record["failed"][0], str(missing) in record["failed"][1]] == [True, True]
    assert sorted(str(p.relative_to(out)) for p in (out / "overlays").iterdir()) == sorted(r["overlay"] for r in rows)
    assert Image.open(out / rows[0]["overlay"]).size[1] > 64  # with the notice
    assert not list(out.rglob("*.part"))


def test_for_many_images_in_files_only_counts_are_printed(
    model_file: Path, phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(phantoms / "images"), "-m", str(model_file), "--out-dir", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert sum(int(part.split(": ")[1]) for part in out.splitlines()[0].split(", ")) == 24
    assert "written: 24 predictions" in err


def test_a_file_name_need_not_be_utf8(model_file: Path, phantoms: Path, tmp_path: Path) -> None:
    odd = tmp_path / "sc\udce4n.png"
    try:
        odd.write_bytes(Path(images(phantoms)[0]).read_bytes())
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    command = [
        sys.executable,
        "-m",
        "tumorlens",
        "predict",
        str(odd),
        "-m",
        str(model_file),
        "--out-dir",
        str(tmp_path / "o"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "o" / "predictions.jsonl").read_text())["source"] == str(odd)


def test_nothing_is_written_without_a_folder(
    model_file: Path, phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["predict", images(phantoms)[0], "-m", str(model_file)]) == 0
    assert list(tmp_path.iterdir()) == []


def test_it_needs_no_torch(model_file: Path, phantoms: Path, tmp_path: Path) -> None:
    mat = scans.figshare_mat(tmp_path / "slice.mat")
    first = images(phantoms)[0]
    command = [
        "predict",
        str(mat),
        first,
        "-m",
        str(model_file),
        "--out-dir",
        str(tmp_path / "o"),
        "--overlays",
        "--json",
    ]
    done = subprocess.run([sys.executable, "-c", BLOCKED, *command], capture_output=True, text=True)
    assert json.loads(done.stdout)["source"] == first, done.stderr
    assert (
        f"error: {mat}: h5py is needed to read MATLAB v7.3 files and is not installed; install it with: pip"
        in done.stderr
    )
    assert done.returncode == 1


def test_a_verb_that_needs_torch_names_the_extra(tmp_path: Path) -> None:
    for verb in (["evaluate", "run"], ["export", "run"], ["train", "data"]):
        done = subprocess.run([sys.executable, "-c", BLOCKED, *verb], capture_output=True, text=True)
        assert 'pip install "tumorlens[train]"' in done.stderr, verb
        assert "Traceback" not in done.stderr
        assert done.returncode == 1


def test_a_model_that_segments_writes_outlines_and_masks(
    segmentation_model_file: Path, phantoms: Path, tmp_path: Path
) -> None:
    out = tmp_path / "o"
    command = [
        "predict",
        *images(phantoms)[:3],
        "-m",
        str(segmentation_model_file),
        "--out-dir",
        str(out),
        "--overlays",
        "--masks",
    ]
    done = subprocess.run([sys.executable, "-c", BLOCKED, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" segmented as tumor") == 3
    rows = [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]
    with (out / "predictions.csv").open(newline="") as stream:
        table = list(csv.DictReader(stream))
    for row, line in zip(rows, table, strict=True):
        mask = np.asarray(Image.open(out / row["mask"]))
        assert mask.shape == (64, 64)
        assert set(np.unique(mask)) == {0, 255}
        assert without_islands(mask // 255)[0].sum() == row["tumor"]["pixels"] == int(line["tumor_pixels"])
        assert line["mask"] == row["mask"]
        assert line["consistent"] == str(row["label"] != "no_tumor")
        assert line["tumor_mm2"] == line["diameter_mm"] == line["side"] == ""
        largest = row["tumor"]["largest"]
        assert int(line["lesions"]) == row["tumor"]["lesions"] > 0
        assert float(line["diameter_pixels"]) == largest["diameter"]["pixels"] > largest["perpendicular"]["pixels"]
        assert [float(line["centroid_row"]), float(line["centroid_column"])] == largest["centroid"]
        cyan = (np.asarray(Image.open(out / row["overlay"])) == (0, 229, 255)).all(axis=2)
        assert 0 < cyan.sum() <= row["tumor"]["pixels"]


def test_masks_need_a_folder_and_a_model_that_segments(
    model_file: Path, phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = images(phantoms)[0]
    assert main(["predict", first, "-m", str(model_file), "--masks"]) == 2
    assert "--masks needs --out-dir" in capsys.readouterr().err
    assert main(["predict", first, "-m", str(model_file), "--masks", "--out-dir", str(tmp_path / "o")]) == 1
    assert "classifies and does not segment; leave out --masks" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_the_user_can_give_the_spacing_of_files_without_one(
    segmentation_model_file: Path, phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, out = images(phantoms)[0], tmp_path / "o"
    arguments = ["predict", first, "-m", str(segmentation_model_file), "--spacing", "0.5,0.8"]
    assert main([*arguments, "--json", "--out-dir", str(out)]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["spacing"], row["spacing_source"]) == ([0.5, 0.8], "user")
    tumor = row["tumor"]
    assert tumor["mm2"] == pytest.approx(tumor["pixels"] * 0.4)
    line = tumor["largest"]["diameter"]
    steps = np.subtract(line["end"], line["start"]) * (0.5, 0.8)
    assert line["mm"] == pytest.approx(np.hypot(*steps), abs=0.01)
    with (out / "predictions.csv").open(newline="") as stream:
        assert float(next(csv.DictReader(stream))["diameter_mm"]) == line["mm"]
    assert json.loads((out / "run.json").read_text())["spacing"] == [0.5, 0.8]
    assert main([*arguments[:-1], "1"]) == 0
    assert " mm" in capsys.readouterr().out


@pytest.mark.parametrize("spacing", ["0", "-1", "nan", "inf", "1,2,3,4", "1;2", "0.5,"])
def test_an_invalid_spacing_is_refused(spacing: str, model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "x.png", "-m", str(model_file), "--spacing", spacing]) == 2
    assert f"'{spacing}' for --spacing; expected millimeters" in capsys.readouterr().err


def test_out_of_distribution_and_uncertain_images_are_flagged_everywhere(
    model_file: Path, phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, scan = tmp_path / "empty.png", images(phantoms)[0]
    Image.new("L", (64, 64), 30).save(empty)
    out = tmp_path / "out"
    arguments = ["predict", str(empty), scan, "-m", str(model_file), "-o", str(out), "--overlays", "--coverage", "0.95"]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    first, second = printed.out.splitlines()
    assert "out of distribution: unlike the training images; do not use this prediction" in first
    assert "; uncertain: glioma or meningioma or pituitary or no_tumor" in second
    assert "caveat: coverage 0.95 needs 19 patients" in printed.err
    with (out / "predictions.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["ood"] for row in rows] == ["True", "False"]
    assert [row["abstains"] for row in rows] == ["True", "True"]
    assert rows[1]["prediction_set"] == "glioma|meningioma|pituitary|no_tumor"
    assert float(rows[0]["ood_score"]) >= 2
    frame = np.asarray(Image.open(out / rows[0]["overlay"]))
    assert (frame[0, :, :2] == (255, 140)).all()
    assert json.loads((out / "run.json").read_text())["coverage"] == 0.95


def test_flagged_predictions_are_counted_below_the_classes(
    model_file: Path, phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.png"
    Image.new("L", (64, 64), 30).save(empty)
    arguments = [str(phantoms / "images"), str(empty), "-m", str(model_file), "--out-dir", str(tmp_path / "o")]
    assert main(["predict", *arguments, "--coverage", "0.95"]) == 0
    _, flagged = capsys.readouterr().out.splitlines()
    assert flagged.startswith("of these out of distribution: ")
    assert sum(int(part.split(": ")[1]) for part in flagged.split(", ")) == 25


def test_a_disagreement_of_classification_and_segmentation_is_flagged(
    segmentation_model_file: Path, phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    everything = ["predict", str(phantoms / "images"), "-m", str(segmentation_model_file)]
    assert main(everything) == 0
    lines = capsys.readouterr().out.splitlines()
    inconsistent = sum(": no_tumor (" in line for line in lines)  # this network segments something in every image
    assert 0 < inconsistent == sum("; classification and segmentation disagree" in line for line in lines)
    out = tmp_path / "o"
    assert main([*everything, "--out-dir", str(out), "--overlays"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"classification and segmentation disagree: {inconsistent}"
    with (out / "predictions.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    framed = [bool((np.asarray(Image.open(out / row["overlay"]))[0, :, :2] == (255, 140)).all()) for row in rows]
    assert framed == [row["consistent"] == "False" for row in rows]


@pytest.mark.parametrize("coverage", ["0", "1", "95"])
def test_a_coverage_outside_of_0_to_1_is_wrong_usage(
    model_file: Path, phantoms: Path, coverage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(phantoms / "images"), "-m", str(model_file), "--coverage", coverage]) == 2
    assert "expected more than 0 and less than 1" in capsys.readouterr().err


def test_batches_give_the_rows_of_single_images_in_order(model_file: Path, phantoms: Path, tmp_path: Path) -> None:
    rows = []
    for size in (1, 3):
        out = tmp_path / str(size)
        arguments = ["predict", str(phantoms / "images"), str(tmp_path / "missing.png"), "-m", str(model_file)]
        assert main([*arguments, "-o", str(out), "--batch-size", str(size), "--threads", "1"]) == 1
        record = json.loads((out / "run.json").read_text())
        assert (record["batch_size"], record["threads"], record["device"]) == (size, 1, "cpu")
        assert record["providers"] == ["CPUExecutionProvider"]
        rows.append([json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()])
    for single, batched in zip(*rows, strict=True):
        assert single["source"] == batched["source"]
        assert single["label"] == batched["label"]
        assert batched["probabilities"] == pytest.approx(single["probabilities"], abs=1e-5)
