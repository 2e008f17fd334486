"""The committed sizes and costs are those that are counted from the networks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tumorlens._network_table import network_facts, network_table
from tumorlens.models import network_counts, registered_names
from tumorlens.models.network_counts import counted_facts, write_table

ADVICE = "write it anew: python -m tumorlens.models.network_counts"
# The others are larger sizes of these, and the slow test counts them.
SMALL = [name for name in registered_names() if not re.search(r"_(b|lite)[1-4]", name)]


@pytest.mark.parametrize("name", SMALL)
def test_an_entry_is_what_is_counted_from_the_network(name: str) -> None:
    counted = counted_facts(name)
    assert network_facts(name) == counted, ADVICE
    assert counted.parameters > 300_000
    assert counted.multiply_adds > 50e6


@pytest.mark.slow  # builds 18 networks
def test_the_entries_of_all_larger_sizes_are_what_is_counted_from_the_network() -> None:
    larger = set(registered_names()) - set(SMALL)
    different = [name for name in sorted(larger) if network_facts(name) != counted_facts(name)]
    assert different == [], ADVICE


def test_the_written_table_holds_what_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_counts, "registered_names", lambda: ["brainmrnet"])
    write_table(tmp_path / "table.json")
    (row,) = json.loads((tmp_path / "table.json").read_text())["networks"]
    assert row["parameters"] == network_table()["brainmrnet"].parameters
    assert row["name"] == "brainmrnet"
