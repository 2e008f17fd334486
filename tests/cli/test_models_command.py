"""tumorlens models: the models that come with tumorlens, and model files, without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures import scans
from tests.fixtures.without_torch import BLOCKED
from tumorlens.cli import main
from tumorlens.deploy.shipped import SHIPPED_MODELS, shipped_file


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_shipped_models_are_listed_with_classes_segmentation_and_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    items = json.loads(capsys.readouterr().out)["items"]
    assert [item["name"] for item in items] == list(SHIPPED_MODELS)
    for item in items:
        assert item["classes"] == ["glioma", "meningioma", "pituitary", "no_tumor"]
        assert item["segments"] is True
        assert item["bytes"] == shipped_file(item["name"], ".onnx").stat().st_size
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()[1:]] == list(SHIPPED_MODELS)


def test_listing_models_needs_no_torch() -> None:
    done = subprocess.run([sys.executable, "-c", BLOCKED, "models"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "default" in done.stdout


def test_a_named_file_that_cannot_predict_is_one_line_and_one_in_a_folder_is_a_note(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = scans.raw(tmp_path / "bad.onnx", b"no model")
    assert main(["models", str(bad)]) == 1
    assert capsys.readouterr().err.startswith(f"error: {bad}: cannot be loaded as ONNX")
    assert main(["models", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert err.startswith(f"note: left out: {bad}: ")
    assert len(out.splitlines()) == 1 + len(SHIPPED_MODELS)
