"""tumorlens recipes, for people and for machines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.without_torch import BLOCKED
from tumorlens.cli import main
from tumorlens.training import load_recipe, shipped


def test_list_prints_every_shipped_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "list", "--json"]) == 0
    items = json.loads(capsys.readouterr().out)["items"]
    assert [item["name"] for item in items] == shipped()
    assert main(["recipes", "list"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n{name} " in out for name in shipped())


def test_a_recipe_that_is_shown_can_be_trained_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "show", "default"]) == 0
    path = tmp_path / "mine.yaml"
    path.write_text(capsys.readouterr().out)
    assert load_recipe(path) == load_recipe("default")
    assert main(["recipes", "show", "default", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == load_recipe("default").model


def test_an_unknown_recipe_is_one_line_with_the_nearest_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "show", "finetun"]) == 1
    assert "did you mean finetune?" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["list"], ["show", "default"]])
def test_recipes_are_listed_and_shown_without_torch(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, "recipes", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "default" in done.stdout
