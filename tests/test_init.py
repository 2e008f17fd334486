"""`import tumorlens` offers the public names, and does not import torch."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import tumorlens


@pytest.mark.parametrize(
    "modules",
    [
        "tumorlens, tumorlens.cli",
        "tumorlens.deploy.predictor",
        "tumorlens.report",
        "tumorlens.explanation",
        "tumorlens.training",
    ],
)
def test_prediction_and_command_line_do_not_import_torch(modules: str) -> None:
    code = f"import sys, {modules}; print({{'torch', 'timm', 'lightning', 'sklearn', 'h5py'}} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_large_core_packages_are_imported_only_where_they_are_used() -> None:
    modules = "tumorlens, tumorlens.cli, tumorlens.deploy.predictor, tumorlens.metrics, tumorlens.auditing"
    code = f"import sys, {modules}; print({{'scipy', 'pooch', 'requests', 'platformdirs'}} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_reading_a_model_does_not_load_data_sets_or_charts() -> None:
    code = (
        "import sys, tumorlens; tumorlens.load; print(*(name for name in sys.modules if name.startswith('tumorlens.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "tumorlens.deploy.predictor" in loaded
    unneeded = ("datasets.sets", "datasets.formats", "datasets.download", "datasets.phantom", "report.plots.roc")
    assert [name for name in loaded if name.startswith(tuple(f"tumorlens.{one}" for one in unneeded))] == []


@pytest.mark.parametrize("room", ["datasets", "metrics", "report", "report.plots", "scan"])
def test_a_lazy_package_has_no_module_with_the_name_of_one_of_its_public_names(room: str) -> None:
    """Such a module would take the place of the name as soon as anything imports it."""
    package = importlib.import_module(f"tumorlens.{room}")
    modules = {path.stem for path in Path(str(package.__file__)).parent.iterdir()}
    assert len(package.__all__) > 5
    assert modules & set(package.__all__) == set()
    assert not any(inspect.ismodule(getattr(package, name)) for name in package.__all__)


def test_every_public_name_is_defined_and_listed() -> None:
    for name in tumorlens.__all__:
        assert getattr(tumorlens, name) is not None
    assert dir(tumorlens) == sorted(tumorlens.__all__)


def test_the_list_of_public_names_is_written_once() -> None:
    stub = ast.parse(Path(tumorlens.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    named = {one.asname for node in stub.body if isinstance(node, ast.ImportFrom) for one in node.names}
    assert named == set(tumorlens.__all__)
    code = ast.parse(inspect.getsource(tumorlens))
    assert not any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(code))


def test_every_public_name_has_a_docstring_with_an_example() -> None:
    without = [name for name in tumorlens.__all__ if ">>>" not in (inspect.getdoc(getattr(tumorlens, name)) or "")]
    assert without == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="segment"):
        _ = tumorlens.segment
