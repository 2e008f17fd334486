"""tumorlens export: the files that it writes, its record, and what it prints of the comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.known_graph import use_graph
from tests.fixtures.model_cards import full
from tumorlens.cli import main
from tumorlens.model_card.card import Parity
from tumorlens.training import Run


def test_a_run_that_was_never_evaluated_is_exported_with_a_caveat_and_its_weights(
    own_run: Run, model_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_graph(monkeypatch, model_file)
    assert main(["export", str(own_run.folder), "--weights"]) == 0
    out, err = capsys.readouterr()
    path = own_run.folder / "model.onnx"
    weights = path.with_suffix(".safetensors")
    assert out.startswith("same predictions as PyTorch on ")
    assert "masks" not in out
    assert "caveat: this run was never evaluated, so the model card has no metrics" in err
    for file in (path, weights):
        assert f"written: {file} ({file.stat().st_size / 1e6:.1f} MB)" in err
    record = json.loads((own_run.folder / "model.run.json").read_text())
    assert record["verb"] == "export"
    assert record["outputs"] == ["model.onnx", "model.safetensors"]
    assert record["split_hash"] == own_run.record.split_hash
    assert record["parity"]["largest_difference"] < 1e-4


def test_options_reach_the_export_and_masks_are_compared_too(
    finished_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parity = Parity(largest_difference=2e-6, images=22, largest_mask_difference=3e-5, mask_pixels_differ=0.00012)
    given: dict[str, Any] = {}

    def exported(run: Run, path: Path, **options: Any) -> Any:
        given.update(options, run=run.folder, path=path)
        path.write_bytes(b"a model")
        return full(parity=parity)

    monkeypatch.setattr("tumorlens.deploy.export.export", exported)  # tested in tests/deploy
    words = ["export", str(finished_run.folder), "--output", str(tmp_path / "small.onnx"), "--half"]
    assert main([*words, "--cross-validation", str(tmp_path)]) == 0
    assert (given["run"], given["path"]) == (finished_run.folder, tmp_path / "small.onnx")
    assert (given["half"], given["weights"], given["cross_validation"]) == (True, False, tmp_path)
    out, err = capsys.readouterr()
    assert "same predictions as PyTorch on 22 images: largest difference of a probability 2.0e-06" in out
    assert "same masks: largest difference of a pixel's probability 3.0e-05; 0.0120 % of mask pixels differ" in out
    assert "caveat" not in err
    assert json.loads((tmp_path / "small.run.json").read_text())["parity"]["images"] == 22
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["path"], found["parity"]["mask_pixels_differ"]) == (str(tmp_path / "small.onnx"), 0.00012)
