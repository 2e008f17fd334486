"""What all verbs share: input files, output folders, and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures import scans
from tumorlens.cli.common import expand_paths, output_folder, print_json


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.png", "a.JPG", "deep/er/c.tif", "notes.txt", "._a.JPG", ".hidden/d.png", "odd[1].png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        scans.raw(tmp_path / name, b"x")
    (tmp_path / "empty").mkdir()
    return tmp_path


def names(paths: list[Path], tree: Path) -> list[str]:
    return [p.relative_to(tree).as_posix() for p in paths]


def test_a_folder_gives_the_images_in_and_below_it(tree: Path) -> None:
    assert names(expand_paths([str(tree)]), tree) == ["a.JPG", "b.png", "odd[1].png", "deep/er/c.tif"]


def test_patterns_match_files_and_folders(tree: Path) -> None:
    assert names(expand_paths([f"{tree}/*.png"]), tree) == ["b.png", "odd[1].png"]
    assert names(expand_paths([f"{tree}/de*"]), tree) == ["deep/er/c.tif"]
    assert names(expand_paths([f"{tree}/**/*.tif"]), tree) == ["deep/er/c.tif"]


def test_an_existing_name_with_brackets_is_no_pattern(tree: Path) -> None:
    assert names(expand_paths([f"{tree}/odd[1].png"]), tree) == ["odd[1].png"]


def test_each_file_comes_once_in_the_order_of_the_arguments(tree: Path) -> None:
    assert names(expand_paths([f"{tree}/b.png", str(tree), f"{tree}/b.png"]), tree)[:2] == ["b.png", "a.JPG"]


def test_an_argument_without_images_is_kept_to_be_reported(tree: Path) -> None:
    arguments = [f"{tree}/missing.png", f"{tree}/x*.png", f"{tree}/empty"]
    assert expand_paths(arguments) == [Path(name) for name in arguments]


def test_results_go_to_the_chosen_folder_else_to_a_new_one_below_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in ("", "-2", "-3"):
        with output_folder(None, "audit", "figshare") as folder:
            assert folder == Path(f"runs/audit/figshare{number}")
            (folder / "result").touch()
    with output_folder(folder, "audit", "figshare") as chosen:
        assert chosen == folder
    with output_folder(Path("mine"), "audit", "figshare") as chosen:
        assert chosen == Path("mine")
        assert not chosen.exists()


def test_a_folder_below_runs_that_stays_empty_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="failed"), output_folder(None, "audit", "figshare"):
        raise ValueError("failed")
    assert not Path("runs/audit/figshare").exists()


def test_a_resumed_run_gets_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs/train/demo").mkdir(parents=True)
    with output_folder(None, "train", "demo", resume=True) as folder:
        assert folder == Path("runs/train/demo")
    assert folder.is_dir()


def test_json_is_one_line_with_a_schema_version_and_without_nan(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"value": float("nan"), "path": Path("a")})
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == {"schema_version": 1, "value": None, "path": "a"}
    print_json([{"name": "a"}])
    assert json.loads(capsys.readouterr().out) == {"schema_version": 1, "items": [{"name": "a"}]}
