"""Optional dependencies are imported if installed; otherwise the error names their extra."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

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

PLUGINS = {
    "pylibjpeg": (JPEG2000Lossless, "pylibjpeg"),
    "pylibjpeg-openjpeg": (JPEG2000Lossless, "pylibjpeg"),
    "pylibjpeg-rle": (RLELossless, "pylibjpeg"),
    "pyjpegls": (JPEGLSLossless, "pyjpegls"),
    "python-gdcm": (JPEGLosslessSV1, "gdcm"),
}
"""Package that pydicom imports -> a transfer syntax, and the plug-in that decodes it with this package alone."""
GPL = re.compile(r"(?<![A-Z])(A|L)?GPL|General Public License|Affero", re.IGNORECASE)


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
        assert package in PLUGINS or MODULES.get(package, package.replace("-", "_")) in imported_modules(), package
        assert bound


@pytest.mark.parametrize("package", PLUGINS)
def test_a_plug_in_is_what_a_decoder_of_pydicom_needs(package: str) -> None:
    syntax, plugin = PLUGINS[package]
    assert plugin in get_decoder(syntax).available_plugins


def test_every_package_of_an_extra_is_imported_or_called() -> None:
    modules = imported_modules()
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    for extra in ("audit", "train", "dicom", "openvino"):
        for package in packages(extra):
            called = package in PLUGINS or (package in CALLS and CALLS[package] in source)
            assert called or MODULES.get(package, package.replace("-", "_")) in modules, f"{extra}: {package}"


def test_every_package_with_pretrained_weights_is_one_of_the_extra() -> None:
    from tumorlens.models.pretrained import _PACKAGES

    assert {module for module, _ in _PACKAGES.values()} == {
        package.replace("-", "_") for package in packages("pretrained")
    }


def test_an_error_names_the_smallest_extra_with_the_module() -> None:
    extra_of = {
        MODULES.get(package, package.replace("-", "_")): extra
        for extra in ("train", "audit", "dicom", "openvino")
        for package in packages(extra)
    }
    calls = required()
    assert {
        ("h5py", "audit"),
        ("sklearn", "audit"),
        ("torch", "train"),
        ("openvino", "openvino"),
        ("highdicom", "dicom"),
    } <= set(calls)
    assert [call for call in calls if call[1] is not None and call[1] != extra_of[call[0]]] == []


def closure(*names: str) -> set[str]:
    """The installed packages that these need, and those that they need in turn; extras are followed."""
    found: set[str] = set()
    remaining = [Requirement(name) for name in names]
    while remaining:
        requirement = remaining.pop()
        key = f"{requirement.name.lower()}[{','.join(sorted(requirement.extras))}]"
        if key in found:
            continue
        found.add(key)
        try:
            lines = metadata.requires(requirement.name) or []
        except metadata.PackageNotFoundError:
            continue  # for another system, or an extra that is not installed here
        for line in lines:
            needed = Requirement(line)
            extras = requirement.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                remaining.append(needed)
    return {key.partition("[")[0] for key in found}


@pytest.mark.parametrize("extra", ["", "audit", "train", "pretrained", "dicom", "openvino"])
def test_no_package_of_the_core_or_of_an_extra_is_gpl(extra: str) -> None:
    needed = closure(f"tumorlens[{extra}]" if extra else "tumorlens")
    assert {"numpy", "pydicom", "pylibjpeg"} <= needed
    wrong = {}
    for name in sorted(needed - {"tumorlens"}):
        try:
            about = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue
        expression = about.get("License-Expression") or (about.get("License") or "").strip().partition("\n")[0][:80]
        licenses = " | ".join([expression, *(text for text in about.get_all("Classifier", []) if "License" in text)])
        if GPL.search(licenses):
            wrong[name] = licenses
    assert wrong == {}


def test_training_contains_the_audit_and_all_contains_training() -> None:
    assert "tumorlens[audit]" in OPTIONAL["train"]
    assert OPTIONAL["all"] == ["tumorlens[train,pretrained,dicom]"]


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
