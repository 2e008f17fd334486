"""Files from a mix of names, folders and patterns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures import scans
from tumorlens.cli.common import emit, files


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.png", "a.JPG", "deep/er/c.tif", "notes.txt", "._a.JPG", ".hidden/d.png", "odd[1].png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        scans.raw(tmp_path / name, b"x")
    (tmp_path / "empty").mkdir()
    return tmp_path


def named(paths: list[Path], tree: Path) -> list[str]:
    return [p.relative_to(tree).as_posix() for p in paths]


def test_a_folder_gives_the_images_in_and_below_it(tree: Path) -> None:
    assert named(files([str(tree)]), tree) == ["a.JPG", "b.png", "odd[1].png", "deep/er/c.tif"]


def test_patterns_match_files_and_folders(tree: Path) -> None:
    assert named(files([f"{tree}/*.png"]), tree) == ["b.png", "odd[1].png"]
    assert named(files([f"{tree}/de*"]), tree) == ["deep/er/c.tif"]
    assert named(files([f"{tree}/**/*.tif"]), tree) == ["deep/er/c.tif"]


def test_a_name_with_brackets_is_a_name_where_it_exists(tree: Path) -> None:
    assert named(files([f"{tree}/odd[1].png"]), tree) == ["odd[1].png"]


def test_each_file_comes_once_in_the_order_asked_for(tree: Path) -> None:
    assert named(files([f"{tree}/b.png", str(tree), f"{tree}/b.png"]), tree)[:2] == ["b.png", "a.JPG"]


def test_what_gives_no_image_is_kept_to_be_reported(tree: Path) -> None:
    asked = [f"{tree}/missing.png", f"{tree}/x*.png", f"{tree}/empty"]
    assert files(asked) == [Path(name) for name in asked]


def test_json_is_one_line_and_knows_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"value": float("nan"), "path": Path("a")})
    assert json.loads(capsys.readouterr().out) == {"value": None, "path": "a"}
