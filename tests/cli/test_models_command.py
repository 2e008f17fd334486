"""tumorlens models: the models that come with tumorlens, without torch."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.fixtures.without_torch import BLOCKED
from tumorlens.cli import main
from tumorlens.deploy.shipped import SHIPPED_MODELS, shipped_file


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
