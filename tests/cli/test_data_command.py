"""tumorlens data, for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures import coco, tiny_datasets
from tumorlens.cli import main
from tumorlens.datasets import DATASETS, read_table

DATA = Path(__file__).parents[3] / "shared" / "data"


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main(["data", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_list_prints_every_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert [row["name"] for row in run_json(capsys, "list")["items"]] == list(DATASETS)
    assert main(["data", "list"]) == 0
    out, err = capsys.readouterr()
    assert "figshare" in out
    assert err == ""


@pytest.mark.parametrize("name", DATASETS)
def test_info_prints_the_card(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_json(capsys, "info", name)["name"] == name
    assert main(["data", "info", name]) == 0
    out = capsys.readouterr().out
    assert DATASETS[name].card.license in out
    assert "- " + DATASETS[name].card.problems[0] in out


def test_phantom_generates_a_folder_for_the_other_verbs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generated = run_json(capsys, "phantom", str(tmp_path / "set"), "--patients", "8", "--slices", "1", "--size", "48")
    assert generated["counts"][0]["images"] == 8
    assert main(["data", "phantom", str(tmp_path / "set")]) == 1
    capsys.readouterr()
    made = run_json(capsys, "table", str(tmp_path / "set"), "--output", str(tmp_path / "all.csv"))
    assert made["split"] is None
    assert len(read_table(tmp_path / "all.csv")) == 8


def test_split_writes_a_table_by_patient(phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "split.csv"
    made = run_json(capsys, "split", str(phantoms), "--output", str(out), "--folds", "3", "--val", "0.34")
    assert [row["subset"] for row in made["counts"]] == ["train", "val", "test"]
    assert [row["patients"] for row in made["counts"]] == [4, 4, 4]
    assert made["split"]["by"] == "patient"
    assert read_table(out).split_hash == made["split_hash"]


def test_images_without_annotation_are_an_error_until_the_user_decides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coco.export(tmp_path / "mine", {"1.png": [1], "2.png": []})
    arguments = ["table", str(tmp_path / "mine"), "--output", str(tmp_path / "mine.csv")]
    assert main(["data", *arguments]) == 1
    assert "1 of 2 images have no annotation" in capsys.readouterr().err
    assert not (tmp_path / "mine.csv").exists()
    assert run_json(capsys, *arguments, "--unannotated", "ignore")["counts"] == [
        {"subset": "none", "images": 1, "patients": 0, "glioma": 1}
    ]
    assert run_json(capsys, *arguments, "--unannotated", "negative")["counts"][0]["no_tumor"] == 1
    assert main(["data", *arguments, "--unannotated", "keep"]) == 2
    assert "'keep'; expected error, ignore, negative" in capsys.readouterr().err


def test_reference_masks_come_from_a_set_with_an_index(
    phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["data", "table", str(phantoms), "--output", str(tmp_path / "t.csv"), "--reference-masks"]
    assert main([*arguments, str(phantoms)]) == 1
    assert "expected one of ['figshare']; use --reference-masks figshare:FOLDER" in capsys.readouterr().err
    assert main([*arguments, f"figshare:{tiny_datasets.figshare_csv(tmp_path / 'figshare')}"]) == 1
    assert "0 show one of its slices" in capsys.readouterr().err


@pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is not there")
@pytest.mark.parametrize("verb", ["table", "split"])
def test_reference_masks_of_the_real_export(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "true.csv"
    source = f"figshare:{DATA / 'figshare'}"
    run_json(capsys, verb, str(DATA / "coco"), "--output", str(out), "--reference-masks", source)
    table = read_table(out)
    assert table.has_patients
    assert all(sample.mask and sample.mask.name.endswith(".png#dihedral=4") for sample in table.samples)
    subsets = {sample.split for sample in table.samples}
    assert subsets == ({"test"} if verb == "table" else {"train", "val", "test"})


def test_an_image_level_split_is_printed(phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "split.csv"
    assert main(["data", "split", str(phantoms), "--output", str(out), "--folds", "2", "--split-by", "image"]) == 0
    assert "split by image ignoring patients; hash" in capsys.readouterr().out


def test_a_failed_split_leaves_no_file(phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "split", str(phantoms), "--output", str(tmp_path / "split.csv"), "--folds", "50"]) == 1
    assert "fold" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        "data split heads -o split.csv",
        "data phantom new",
        "audit heads",
        "demo",
        "train heads",
        "evaluate run",
        "reproduce x y",
    ],
)
def test_a_negative_seed_is_wrong_usage(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--seed", "-1"]) == 2
    assert "--seed" in capsys.readouterr().err
