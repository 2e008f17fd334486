"""The examples in the docstrings of all public names run, import what they use, and show their true output."""

from __future__ import annotations

import doctest
import shutil
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tumorlens
from tests.fixtures import published_datasets, scans
from tests.fixtures.known_graph import use_benchmark_graph, use_graph
from tumorlens.auditing import build_index
from tumorlens.datasets import open_table
from tumorlens.datasets.phantom import make
from tumorlens.datasets.phantom.phantom_study import STUDY_SERIES, phantom_study

OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def examples(name: str) -> list[doctest.DocTest]:
    """The examples of a public name, and those of its methods; they see no names that they do not import."""
    return [one for one in doctest.DocTestFinder().find(getattr(tumorlens, name), name, globs={}) if one.examples]


@pytest.fixture
def folder(phantoms: Path, evaluated_model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of an example: ``phantoms``, and ``run``, which is trained on them and evaluated."""
    shutil.copytree(phantoms, tmp_path / "phantoms")
    shutil.copytree(evaluated_model_file.parent, tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def second_run(folder: Path) -> None:
    """``second-run``, a copy of ``run``."""
    shutil.copytree(folder / "run", folder / "second-run")


@pytest.fixture
def figshare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``figshare``, slices with masks, whose index comes with tumorlens here, and ``ours``: its slices by class."""
    heads = open_table(make(folder / "heads", patients=12, slices=1, size=160))
    source = open_table(published_datasets.figshare(folder / "figshare", heads))
    for sample in source.samples:
        turned = np.rot90(np.asarray(Image.open(sample.image)))
        scans.save(folder / "ours" / sample.label / f"{sample.image.stem}.png", Image.fromarray(turned.copy()))
    indexes = (build_index(source),)
    for module in ("leak_check", "provenance.source_reference_masks"):
        monkeypatch.setattr(import_module(f"tumorlens.auditing.{module}"), "shipped_indexes", lambda: indexes)


@pytest.fixture
def known_graph(evaluated_model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph of ``run``, which an export writes and compares with ``run`` instead of tracing it again."""
    use_graph(monkeypatch, evaluated_model_file)


@pytest.fixture
def benchmark_graph(mini_resnet_graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph of the network that the example measures, in place of another trace."""
    use_benchmark_graph(monkeypatch, mini_resnet_graph)


@pytest.fixture
def navoneel(folder: Path) -> None:
    """``navoneel``: phantoms in the layout of that set."""
    published_datasets.navoneel(folder / "navoneel", published_datasets.phantom_heads(folder / "heads"))


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """T1, T1 after contrast and T2 of a phantom with a glioma."""
    return phantom_study(tmp_path_factory.mktemp("study") / "phantom-study", series=STUDY_SERIES[1:4])


@pytest.fixture
def study(folder: Path, series: Path) -> None:
    """``phantom-study``, three DICOM series."""
    shutil.copytree(series, folder / "phantom-study")


MORE_DATA = {
    "Finding": "study",
    "StudyResult": "study",
    "dicom_results": "study",
    "predict_study": "study",
    "read_volume": "study",
    "benchmark": "benchmark_graph",
    "compare": "second_run",
    "export": "known_graph",
    "open_tables": "figshare",
    "reference_masks": "figshare",
    "reproduce": "navoneel",
}
"""Fixtures of the names whose examples need more than ``phantoms`` and ``run``."""


@pytest.mark.usefixtures("folder", "plain_charts")
@pytest.mark.parametrize("name", tumorlens.__all__)
def test_the_examples_of_a_public_name_show_the_true_output(name: str, request: pytest.FixtureRequest) -> None:
    if name in MORE_DATA:
        request.getfixturevalue(MORE_DATA[name])
    found = examples(name)
    assert any(one.name == name for one in found), f"the docstring of tumorlens.{name} has no example"
    assert not any(doctest.SKIP in line.options for one in found for line in one.examples), "an example is skipped"
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    output: list[str] = []
    for one in found:
        runner.run(one, out=output.append)
    assert not runner.failures, "".join(output)
