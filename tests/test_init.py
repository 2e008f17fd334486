"""`import tumorlens` offers the public names, and does not import torch."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys

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


def test_every_public_name_is_defined_and_listed() -> None:
    for name in tumorlens.__all__:
        assert getattr(tumorlens, name) is not None
    assert dir(tumorlens) == sorted(tumorlens.__all__)


def test_the_type_checker_sees_the_same_names_as_the_user() -> None:
    tree = ast.parse(inspect.getsource(tumorlens))
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    imported = {name.name: node.module for node in block.body for name in node.names}
    assert imported == {name: f"tumorlens.{module}" for name, module in tumorlens._MODULE_OF.items()}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'segment'"):
        _ = tumorlens.segment
