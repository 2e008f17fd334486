"""tumorlens cite, for people and for machines, and the citation file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import tumorlens
from tumorlens.cli import main

ROOT = Path(__file__).parents[2]


def test_cite_prints_bibtex_with_the_version_and_the_sources_of_the_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cite", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["bibtex"].startswith("@software{tumorlens,")
    assert f"version = {{{tumorlens.__version__}}}" in found["bibtex"]
    assert set(found["attributions"]) == {"default", "tiny"}
    assert all(found["attributions"].values())
    assert main(["cite"]) == 0
    assert found["bibtex"] in capsys.readouterr().out


def test_the_citation_file_is_that_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    stored = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert main(["cite", "--json"]) == 0
    bibtex = json.loads(capsys.readouterr().out)["bibtex"]
    assert stored["version"] == tumorlens.__version__
    assert stored["title"] in bibtex
    assert stored["authors"][0]["name"] in bibtex
    assert stored["license"] in bibtex
