"""The committed table has the networks of the registry, and is read without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.fixtures.refusal import assert_refused
from tumorlens._network_table import list_networks, network_facts, network_table
from tumorlens.errors import ModelError
from tumorlens.models import registered_names


def test_the_table_has_every_network_of_the_registry() -> None:
    assert list_networks() == registered_names()
    assert all(name == facts.name for name, facts in network_table().items())


def test_a_misspelled_name_suggests_the_nearest_one() -> None:
    with assert_refused(
        ModelError, found="no network is called 'efficientnet_b9'", advice="did you mean efficientnet_b4?"
    ):
        network_facts("efficientnet_b9")


@pytest.mark.parametrize("command", ["models", "networks list", "networks info brainmrnet", "recipes list"])
def test_listing_needs_no_torch(command: str) -> None:
    program = f"""
import sys
sys.modules["torch"] = None  # an import of torch now fails
from tumorlens.cli import main
sys.exit(main({command.split()!r}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
