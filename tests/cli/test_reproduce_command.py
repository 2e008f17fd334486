"""tumorlens reproduce, for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures import published_datasets
from tumorlens.cli import main

SMALL = [
    v
    for value in (
        "model=mini_resnet", "precise_batch_norm=false", "precision=float32", "input={size: 32}", "epochs=1",
        "dropout=null", "batch_size=8",
    )
    for v in ("--set", value)
]  # fmt: skip


def test_a_claim_is_put_to_the_test_and_told_to_people_and_machines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = published_datasets.navoneel(tmp_path / "set", published_datasets.phantom_heads(tmp_path / "heads"))
    arguments = ["reproduce", "1", str(data), *SMALL, "--quick", "--n-resamples", "100"]
    assert main(arguments) == 0
    said = capsys.readouterr()
    assert "claimed" in said.out
    assert "honest protocol" in said.out
    assert "What separates them: as published, images were divided at random" in said.out
    assert "quick run: mini_resnet, from scratch, trained on " in said.out
    assert "; 1 and 1 of at most 1 epochs, 32 x 32 pixels, seed 0; " in said.out
    assert "caution: Its authors give no figure" in said.err
    assert "written: reproduction-brain_mri_efficientnet/report.html" in said.err

    assert main(arguments) == 1
    assert "holds a run already" in capsys.readouterr().err

    assert main([*arguments, "--resume", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["folder"] == "reproduction-brain_mri_efficientnet"
    assert [row["claimed"] for row in found["rows"]] == [None] * len(found["rows"])
