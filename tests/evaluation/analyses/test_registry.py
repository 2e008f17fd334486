"""An analysis is one folder: it is seen everywhere without another change, and without it the rest works."""

from __future__ import annotations

import json
import pkgutil
import sys
from pathlib import Path

import pytest

from tests.test_layers import imports, modules
from tumorlens._record import Record
from tumorlens.datasets import Table
from tumorlens.deploy.evidence import read_evidence
from tumorlens.evaluation import analyses, evaluate, evaluation_page, write_evaluation
from tumorlens.evaluation.analyses import registry
from tumorlens.training import Run

pytestmark = pytest.mark.usefixtures("plain_charts")
ANALYSES = ("leakage", "subgroups", "volumes", "region_occlusion", "robustness", "ood", "selective")
TOY = {
    "__init__.py": '''
"""A toy: counts the images."""
from tumorlens.evaluation.analyses.analysis import Analysis

ANALYSIS = Analysis(__name__, title="Counting toy", help="Count the images, as a toy.", order=99, limit=7)
''',
    "result.py": """
from dataclasses import dataclass

@dataclass(frozen=True)
class ToyResult:
    images: int

    @property
    def caveats(self):
        return ("The toy has been here.",)

    @property
    def conclusions(self):
        return (f"The toy counted {self.images} images.",)

    def to_dict(self):
        return {"images": self.images}
""",
    "measure.py": """
from tumorlens.evaluation.analyses.toy.result import ToyResult

def measure(context):
    return ToyResult(len(context.samples))

def pool(results, context):
    return ToyResult(sum(result.images for result in results))
""",
    "section.py": """
from tumorlens.report import Section, paragraph

def section(result, samples):
    return Section("Counting toy", paragraph(result.conclusions[0]))
""",
}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder with an analysis beside those of the product, as if it had been added there."""
    folder = tmp_path / "more" / "toy"
    folder.mkdir(parents=True)
    for name, text in TOY.items():
        (folder / name).write_text(text)
    monkeypatch.setattr(analyses, "__path__", [*analyses.__path__, str(folder.parent)])
    for name in [name for name in sys.modules if name.startswith("tumorlens.evaluation.analyses.toy")]:
        monkeypatch.delitem(sys.modules, name)
    return "toy"


def test_a_new_folder_is_in_the_registry_after_the_others(toy: str) -> None:
    assert list(registry()) == [*ANALYSES, toy]


def test_a_new_folder_is_in_json_page_and_model_card(toy: str, own_run: Run) -> None:
    found = evaluate(own_run, analyses={"region_occlusion": False}, n_resamples=100)
    assert "The toy has been here." in found.caveats
    write_evaluation(own_run, found)
    stored = json.loads((own_run.evaluation_folder() / "evaluation.json").read_text())
    assert stored["analyses"][toy] == {
        "images": 8,
        "conclusions": ["The toy counted 8 images."],
        "caveats": ["The toy has been here."],
    }
    page = evaluation_page(own_run, found)
    assert "Counting toy</h2>" in page
    assert "The toy counted 8 images." in page
    evidence = read_evidence(own_run)  # what an export writes on the card
    assert evidence is not None
    assert evidence.analyses[toy] == ("The toy counted 8 images.",)
    assert toy not in evaluate(own_run, analyses={"region_occlusion": False, toy: False}, n_resamples=100).analyses


def test_a_new_folder_is_in_the_pooled_result_of_a_cross_validation(
    toy: str, phantom_table: Table, tmp_path: Path
) -> None:
    from tumorlens.experiments.cross_validation import cross_validate
    from tumorlens.training import load_recipe

    recipe = load_recipe("demo", ["input.size=32", "epochs=1", "batch_size=4"])
    only_toy = {name: name == toy for name in registry()}
    found = cross_validate(phantom_table, recipe, tmp_path / "cv", folds=3, val=0.34, n_resamples=50, analyses=only_toy)
    assert found.to_dict()["analyses"][toy]["images"] == len(phantom_table)
    assert "The toy counted 24 images." in (tmp_path / "cv" / "report.html").read_text()


def test_a_new_folder_is_an_option_of_the_command_line(toy: str, capsys: pytest.CaptureFixture[str]) -> None:
    import importlib

    from tumorlens.cli import evaluate_command

    command = importlib.reload(evaluate_command).evaluate
    parameters = command.__signature__.parameters  # type: ignore[attr-defined]
    assert parameters[toy].default is True
    assert parameters[f"{toy}_limit"].default == 7
    assert "Count the images, as a toy." in str(parameters[toy].annotation.__metadata__[0].help)


def test_no_module_imports_an_analysis_from_outside_of_its_folder() -> None:
    def analysis_of(module: str) -> str:
        return ".".join(module.split(".")[2:3]) if module.startswith("evaluation.analyses.") else ""

    imported = {
        (module, other) for module, path in modules().items() for other, _ in imports(path) if analysis_of(other)
    }
    assert ("evaluation.analyses.ood.measure", "evaluation.analyses.ood.result") in imported
    outside = {
        (module, other) for module, other in imported if analysis_of(other) not in ("analysis", analysis_of(module))
    }
    assert outside == set()


@pytest.mark.parametrize("name", ANALYSES)
def test_without_one_analysis_the_rest_works(
    name: str, finished_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = pkgutil.iter_modules

    def others(path: object) -> list[pkgutil.ModuleInfo]:
        return [module for module in listed(path) if module.name != name]  # type: ignore[arg-type]

    monkeypatch.setattr("tumorlens.evaluation.analyses.pkgutil.iter_modules", others)
    for module in modules():
        if f"{module}.".startswith(f"evaluation.analyses.{name}."):
            monkeypatch.setitem(sys.modules, f"tumorlens.{module}", None)  # importing it raises ImportError
    found = evaluate(finished_run, analyses=dict.fromkeys({"region_occlusion"} - {name}, False), n_resamples=50)
    write_evaluation(finished_run, found, tmp_path / "out", Record("evaluate"))
    assert set(found.analyses) == {"ood", "selective"} - {name}  # nothing leaks; robustness is measured on request
    assert name not in json.loads((tmp_path / "out" / "evaluation.json").read_text())["analyses"]
    assert (tmp_path / "out" / "report.html").is_file()
