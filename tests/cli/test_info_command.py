"""tumorlens info, for people and for machines."""

from __future__ import annotations

import json

import pytest

import tumorlens
from tumorlens.cli import main


def test_info_has_versions_extras_providers_and_folders(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["versions"]["tumorlens"] == tumorlens.__version__
    assert set(found["extras"]) == {"audit", "train", "openvino", "pretrained"}
    assert found["extras"]["train"] is True
    assert "CPUExecutionProvider" in found["providers"]
    assert found["threads"] >= 1
    assert found["models"] == ["default", "tiny"]
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert found["cache"] in out
    assert found["versions"]["onnxruntime"] in out
