"""run.json records command, versions and timings, as strict JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import tumorlens
from tumorlens._record import Record, versions, write_json


def test_a_record_has_command_versions_and_timings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/tumorlens", "train", "--seed", "3"])
    record = Record("train", seed=3)
    record.lap("decode")
    record.lap("fit")
    record.add(device="cpu", seed=4)
    path = record.write(tmp_path / "new")
    facts = json.loads(path.read_text())
    assert path.name == "run.json"
    assert (facts["verb"], facts["seed"], facts["device"]) == ("train", 4, "cpu")
    assert facts["command"] == ["tumorlens", "train", "--seed", "3"]
    assert facts["started"].endswith("+00:00")
    assert list(facts["seconds"]) == ["decode", "fit", "total"]
    assert facts["seconds"]["total"] >= facts["seconds"]["fit"] >= 0
    assert facts["versions"]["tumorlens"] == tumorlens.__version__


def test_the_schema_version_is_the_first_key(tmp_path: Path) -> None:
    facts = json.loads(Record("train", schema_version=1, seed=3).write(tmp_path).read_text())
    assert list(facts) == ["schema_version", "verb", "started", "command", "versions", "seed", "seconds"]


def test_versions_list_installed_packages_that_may_change_results(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tumorlens._record._PACKAGES", ("numpy", "not-installed-anywhere"))
    assert versions().keys() == {"tumorlens", "python", "system", "numpy"}
    assert versions()["numpy"] == np.__version__


def test_arrays_paths_and_tuples_become_json_types(tmp_path: Path) -> None:
    data = {1: np.arange(3), "mean": np.float32(0.5), "path": Path("a/b"), "pair": (1, True), "name": "ä"}
    path = write_json(data, tmp_path / "x.json")
    assert json.loads(path.read_bytes()) == {
        "1": [0, 1, 2],
        "mean": 0.5,
        "path": "a/b",
        "pair": [1, True],
        "name": "ä",
    }


def test_nan_and_infinities_become_null(tmp_path: Path) -> None:
    path = write_json({"auc": float("nan"), "all": np.array([1, np.inf, -np.inf])}, tmp_path / "x.json")
    assert json.loads(path.read_text()) == {"auc": None, "all": [1.0, None, None]}


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = write_json({"a": 1}, tmp_path / "x.json")
    with pytest.raises(TypeError):
        write_json({"a": object()}, path)
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_the_program_has_its_name_when_it_is_called_as_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["lib/tumorlens/__main__.py", "predict", "a.png"])
    assert Record("predict").facts["command"] == ["tumorlens", "predict", "a.png"]
    monkeypatch.setattr("sys.argv", ["lib/other/__main__.py"])
    assert Record("predict").facts["command"] == ["__main__.py"]
