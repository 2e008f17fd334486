"""tumorlens networks, for people and for machines."""

from __future__ import annotations

import json

import pytest

from tumorlens.cli import main
from tumorlens.models import list_networks


def test_info_counts_parameters_for_a_number_of_classes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["networks", "info", "brainmrnet", "--classes", "2", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["parameters"] == 550_016
    assert facts["classes"] == 2
    assert main(["networks", "info", "brainmrnet", "--classes", "2"]) == 0
    assert "550,016" in capsys.readouterr().out


def test_list_prints_every_architecture(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["networks", "list"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()[1:]] == list_networks()
    assert err == ""
    assert main(["networks", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in found["items"]] == list_networks()
