"""What `import tumorlens` gives, and that it does not wait for torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

import tumorlens


@pytest.mark.parametrize(
    "modules",
    ["tumorlens, tumorlens.cli", "tumorlens.deploy.predictor", "tumorlens.report", "tumorlens.explanation"],
)
def test_predicting_and_the_command_line_import_no_torch(modules: str) -> None:
    code = f"import sys, {modules}; print({{'torch', 'timm', 'lightning', 'sklearn', 'h5py'}} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_public_name_leads_somewhere() -> None:
    for name in tumorlens.__all__:
        assert getattr(tumorlens, name) is not None
    assert set(tumorlens.__all__) <= set(dir(tumorlens))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'segment'"):
        _ = tumorlens.segment
