"""Optional dependencies are imported if installed; otherwise the error names their extra."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests.fixtures.refusal import assert_refused
from tests.test_layers import parsed
from tumorlens._extras import require
from tumorlens.errors import MissingExtraError, TumorlensError

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OPTIONAL = PROJECT["optional-dependencies"]
MODULES = {"scikit-learn": "sklearn", "pillow": "PIL", "pyyaml": "yaml"}
"""Package -> its module, where that is not the name of the package with underscores."""
CALLS = {"onnx": "torch.onnx.export(", "onnxscript": "torch.onnx.export(", "tensorboard": "TensorBoardLogger("}
"""Package that is not imported -> the call that fails without it."""


def packages(extra: str) -> list[str]:
    """The packages of an extra, without the extras that it contains."""
    names = [re.match(r"[\w.-]+", line)[0] for line in OPTIONAL[extra]]  # type: ignore[index]
    return [name for name in names if name != "tumorlens"]


@cache
def imported_modules() -> set[str]:
    """The first part of every module that the product imports, by a statement or by `require`."""
    found: set[str] = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found | {module for module, _ in required()}


@cache
def required() -> list[tuple[str, str]]:
    """Module and extra of every call of `require` in the product with both in plain text."""
    found = []
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "require":
                module, extra = (getattr(argument, "value", "") for argument in node.args[:2])
                if module:
                    found.append((module.partition(".")[0], extra))
    return found


def test_every_core_package_is_imported_and_has_a_lower_bound() -> None:
    for requirement in PROJECT["dependencies"]:
        package, bound = requirement.split(">=")
        assert MODULES.get(package, package.replace("-", "_")) in imported_modules(), package
        assert bound


def test_every_package_of_an_extra_is_imported_or_called() -> None:
    modules = imported_modules()
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    for extra in ("audit", "train", "openvino"):
        for package in packages(extra):
            called = package in CALLS and CALLS[package] in source
            assert called or MODULES.get(package, package.replace("-", "_")) in modules, f"{extra}: {package}"


def test_every_package_with_pretrained_weights_is_one_of_the_extra() -> None:
    from tumorlens.models.pretrained import _PACKAGES

    assert {module for module, _ in _PACKAGES.values()} == {
        package.replace("-", "_") for package in packages("pretrained")
    }


def test_an_error_names_the_smallest_extra_with_the_module() -> None:
    extra_of = {
        MODULES.get(package, package.replace("-", "_")): extra
        for extra in ("train", "audit", "openvino")
        for package in packages(extra)
    }
    calls = required()
    assert {("h5py", "audit"), ("sklearn", "audit"), ("torch", "train"), ("openvino", "openvino")} <= set(calls)
    assert [call for call in calls if call[1] is not None and call[1] != extra_of[call[0]]] == []


def test_training_contains_the_audit_and_all_contains_training() -> None:
    assert "tumorlens[audit]" in OPTIONAL["train"]
    assert OPTIONAL["all"] == ["tumorlens[train,pretrained]"]


def test_an_installed_module_is_imported() -> None:
    assert require("json", "train", "read files") is json


@pytest.mark.parametrize("module", ["not_installed_anywhere", "not_installed_anywhere.part"])
def test_a_missing_module_is_an_error_with_purpose_and_extra(module: str) -> None:
    with assert_refused(MissingExtraError) as error:
        require(module, "train", "read MATLAB v7.3 files")
    assert error.value.found == "not_installed_anywhere is needed to read MATLAB v7.3 files and is not installed"
    assert error.value.advice == 'install it with: pip install "tumorlens[train]"'
    assert isinstance(error.value, TumorlensError)


def test_a_module_with_a_missing_dependency_is_not_reported_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_here.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_installed_anywhere"):
        require("broken_here", "train", "work")
