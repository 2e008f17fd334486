"""tumorlens networks, for people and for machines."""

from __future__ import annotations

import json

import pytest

from tumorlens import list_networks
from tumorlens.cli import main


def test_info_counts_parameters_for_four_classes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["networks", "info", "brainmrnet", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["classes"] == 4
    assert main(["networks", "info", "brainmrnet"]) == 0
    assert f"{facts['parameters']:,}" in capsys.readouterr().out


def test_list_prints_every_architecture(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["networks", "list"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()[1:]] == list_networks()
    assert err == ""
    assert main(["networks", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in found["items"]] == list_networks()
