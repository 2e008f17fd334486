"""tumorlens info, for people and for machines."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

import tumorlens
from tumorlens.cli import info_command, main


def test_info_has_versions_extras_providers_and_folders(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["versions"]["tumorlens"] == tumorlens.__version__
    assert set(found["extras"]) == {"audit", "train", "openvino", "pretrained"}
    assert found["extras"]["train"] is True
    assert "CPUExecutionProvider" in found["providers"]
    assert found["threads"] >= 1
    assert found["torch_devices"][0] == "cpu"
    assert found["models"] == ["default", "tiny"]
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert found["cache"] in out
    assert found["versions"]["onnxruntime"] in out


@pytest.mark.parametrize(
    ("built", "cards", "devices"),
    [("'13.0'", 1, ["cpu", "cuda"]), ("'13.0'", 0, ["cpu"]), ("None", 1, ["cpu"])],
)
def test_devices_of_pytorch_are_those_of_its_build_and_of_the_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: str, cards: int, devices: list[str]
) -> None:
    (tmp_path / "version.py").write_text(f"cuda: Optional[str] = {built}\n", encoding="utf-8")
    spec = ModuleSpec("torch", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(info_command, "find_spec", lambda name: spec)
    monkeypatch.setattr(info_command, "_graphics_cards", lambda: cards)
    assert info_command.torch_devices() == devices


def test_without_pytorch_or_a_driver_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_driver(name: str) -> ctypes.CDLL:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", no_driver)
    assert info_command._graphics_cards() == 0
    monkeypatch.setattr(info_command, "find_spec", lambda name: None)
    assert info_command.torch_devices() is None


def test_info_does_not_import_pytorch() -> None:
    program = "import sys; from tumorlens.cli import main; main(['info', '--json']); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
