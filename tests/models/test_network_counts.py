"""The committed sizes and costs are those that are counted from the networks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tumorlens._network_table import network_facts, network_table
from tumorlens.models import network_counts, registered_names
from tumorlens.models.network_counts import counted_facts, write_table


@pytest.mark.parametrize("name", ["brainmrnet", "efficientnet_b0"])
def test_an_entry_is_what_is_counted_from_the_network(name: str) -> None:
    assert network_facts(name) == counted_facts(name)


@pytest.mark.slow  # builds every network
def test_every_entry_is_what_is_counted_from_the_network() -> None:
    different = [name for name in registered_names() if network_facts(name) != counted_facts(name)]
    assert different == [], "write it anew: python -m tumorlens.models.network_counts"


def test_the_written_table_holds_what_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_counts, "registered_names", lambda: ["brainmrnet"])
    write_table(tmp_path / "table.json")
    (row,) = json.loads((tmp_path / "table.json").read_text())["networks"]
    assert row["parameters"] == network_table()["brainmrnet"].parameters
    assert row["name"] == "brainmrnet"
