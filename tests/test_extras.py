"""Optional dependencies are imported if installed; otherwise the error names their extra."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tumorlens._extras import require
from tumorlens.errors import MissingExtraError, TumorlensError


def test_an_installed_module_is_imported() -> None:
    assert require("json", "train", "read files") is json


@pytest.mark.parametrize("module", ["not_installed_anywhere", "not_installed_anywhere.part"])
def test_a_missing_module_is_an_error_with_purpose_and_extra(module: str) -> None:
    with pytest.raises(MissingExtraError) as error:
        require(module, "train", "read MATLAB v7.3 files")
    assert str(error.value) == (
        "not_installed_anywhere is needed to read MATLAB v7.3 files and is not installed; "
        'install it with: pip install "tumorlens[train]"'
    )
    assert error.value.advice == 'install it with: pip install "tumorlens[train]"'
    assert isinstance(error.value, TumorlensError)


def test_a_module_with_a_missing_dependency_is_not_reported_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_here.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_installed_anywhere"):
        require("broken_here", "train", "work")
