"""Which models are found, and where."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.fixtures import scans
from tumorlens.deploy.model_list import MOST_FILES, list_models
from tumorlens.deploy.shipped import SHIPPED_MODELS, shipped_file


@pytest.fixture
def tiny() -> Path:
    return shipped_file("tiny", ".onnx")


def names(*places: Path) -> list[str]:
    found = [model.name for model in list_models(places).models]
    assert found[: len(SHIPPED_MODELS)] == list(SHIPPED_MODELS)
    return found[len(SHIPPED_MODELS) :]


def test_the_working_folder_and_its_runs_are_searched_and_no_other_folder(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert names() == []
    for name in ("mine.onnx", "runs/train/finetune/model.onnx", "runs/.hidden/model.onnx", "other/model.onnx"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).symlink_to(tiny)
    assert names() == ["mine.onnx", "runs/train/finetune/model.onnx"]
    assert names(Path("other")) == ["other/model.onnx"]


def test_a_model_file_is_described_by_its_card(tiny: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(tiny, tmp_path / "copy.onnx"))
    shipped, listed = list_models([path]).models[-2:]
    assert (listed.classes, listed.segments, listed.bytes) == (shipped.classes, shipped.segments, shipped.bytes)
    assert listed.network == shipped.network
    assert "intervals" in listed.description


def test_files_that_cannot_predict_are_given_with_the_reason(tmp_path: Path) -> None:
    bad = scans.raw(tmp_path / "bad.onnx", b"no model")
    found = list_models([tmp_path, tmp_path / "missing.onnx"])
    assert [str(error.file) for error in found.unusable] == [str(bad), str(tmp_path / "missing.onnx")]
    assert found.unusable[1].found == "no such file"


def test_only_so_many_files_are_opened(tmp_path: Path) -> None:
    for number in range(MOST_FILES + 1):
        scans.raw(tmp_path / f"{number:03d}.onnx", b"no model")
    found = list_models([tmp_path])
    assert len(found.unusable) == MOST_FILES
    assert not found.complete
    (tmp_path / "000.onnx").unlink()
    assert list_models([tmp_path]).complete
