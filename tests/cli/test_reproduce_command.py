"""tumorlens reproduce, for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures import published_datasets
from tumorlens.cli import main

pytestmark = pytest.mark.usefixtures("plain_charts")
SMALL = [
    v
    for value in (
        "model=mini_resnet", "precise_batch_norm=false", "precision=float32", "input={size: 32}", "epochs=1",
        "dropout=null", "batch_size=8",
    )
    for v in ("--set", value)
]  # fmt: skip


def test_a_claim_is_reproduced_and_resumed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = published_datasets.navoneel(tmp_path / "set", published_datasets.phantom_heads(tmp_path / "heads"))
    arguments = ["reproduce", "1", str(data), *SMALL, "--quick", "--n-resamples", "100"]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert "claimed" in printed.out
    assert "leak-free protocol" in printed.out
    assert "Flaw of the published protocol: " in printed.out
    assert "quick run: mini_resnet, from scratch, trained on " in printed.out
    assert "; 1 and 1 of at most 1 epochs, 32 x 32 pixels, seed 0; " in printed.out
    assert "caveat: " in printed.err
    assert "written: runs/reproduce/brain_mri_efficientnet/report.html" in printed.err

    assert main([*arguments, "-o", "runs/reproduce/brain_mri_efficientnet"]) == 1
    assert "holds results of 'reproduce'" in capsys.readouterr().err

    assert main([*arguments, "--resume", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["folder"] == "runs/reproduce/brain_mri_efficientnet"
    assert [row["claimed"] for row in found["rows"]] == [None] * len(found["rows"])
