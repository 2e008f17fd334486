"""The notebooks: they run from the first cell to the last, and what is committed with them is fit to be seen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nbformat import NotebookNode

import tumorlens
from tests.fixtures import notebook

NUMBERS = {
    notebook.TUTORIAL: {
        "PATIENTS": 24, "SLICES": 2, "SIZE": 64, "EXTERNAL_PATIENTS": 8, "EPOCHS": 1, "N_RESAMPLES": 100,
    },
    notebook.OBJECTS: {"PATIENTS": 24, "SLICES": 1, "SIZE": 64, "EPOCHS": 1, "N_RESAMPLES": 100},
}  # fmt: skip


@pytest.fixture(params=notebook.NOTEBOOKS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture
def committed(path: Path) -> NotebookNode:
    return notebook.read(path)


def code(cells: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in cells.cells if cell.cell_type == "code"]


def output_of(cells: NotebookNode, name: str) -> str:
    """What a cell wrote, in one line."""
    (cell,) = (cell for cell in cells.cells if cell.id == name)
    return " ".join("".join(output.text for output in cell.outputs if output.output_type == "stream").split())


@pytest.mark.slow  # a kernel of its own that imports torch, and three trainings: half a minute
def test_every_cell_of_the_tutorial_runs_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where the notebook makes its folder
    ran = notebook.run(notebook.read(notebook.TUTORIAL), tmp_path, NUMBERS[notebook.TUTORIAL])
    assert all(cell.execution_count for cell in code(ran))
    assert output_of(ran, "code-install") == "", "the package was installed although it is here"
    assert "Do not report results on this split" in output_of(ran, "code-audit")
    assert "have a duplicate in train, so results on this split are too high" in output_of(ran, "code-refuse")
    splits = output_of(ran, "code-splits")
    assert re.findall(r"show a patient|No leak found", splits) == ["show a patient", "No leak found"]
    assert "PyTorch was imported: False" in output_of(ran, "code-process")
    assert "difference:" in output_of(ran, "code-compare")
    (made,) = tmp_path.glob("tumorlens-*")
    assert (made / "model.onnx").is_file()


@pytest.mark.slow  # a kernel of its own that imports torch, and four trainings: half a minute
def test_every_public_object_is_shown_in_a_cell_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    ran = notebook.run(notebook.read(notebook.OBJECTS), tmp_path, NUMBERS[notebook.OBJECTS])
    shown = {cell.id: [kind for output in cell.outputs for kind in output.get("data", ())] for cell in code(ran)}
    for name in ("table", "audit", "evaluate", "export", "predictor"):
        assert "text/html" in shown[f"code-{name}"], name
    assert "text/markdown" in shown["code-estimate"]
    for name in ("audit-plot", "evaluate-plot", "explain"):
        assert "image/jpeg" in shown[f"code-{name}"], name


def test_the_notebook_of_objects_uses_every_public_name() -> None:
    used = "\n".join(cell.source for cell in code(notebook.read(notebook.OBJECTS)))
    assert [name for name in tumorlens.__all__ if not re.search(rf"\btumorlens\.{name}\b", used)] == []


def test_the_numbers_that_are_made_smaller_are_those_of_the_notebook(path: Path, committed: NotebookNode) -> None:
    (cell,) = (cell for cell in code(committed) if notebook.PARAMETERS in cell.metadata.get("tags", ()))
    names: dict[str, int] = {}
    exec(cell.source, {}, names)
    assert set(names) == set(NUMBERS[path])
    assert all(NUMBERS[path][name] < value for name, value in names.items())


def test_what_is_committed_was_run_from_top_to_bottom_without_warnings(committed: NotebookNode) -> None:
    assert [cell.execution_count for cell in code(committed)] == list(range(1, len(code(committed)) + 1))
    outputs = [output for cell in code(committed) for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"stream", "display_data", "execute_result"}
    assert {output.name for output in outputs if output.output_type == "stream"} == {"stdout"}


def test_what_is_committed_names_no_machine_and_is_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    words = re.sub(r'"image/jpeg": "[^"]*"|base64,[^"]*', "", text)
    assert re.findall(r"(?:/home/|/root/|/tmp/|/Users/|/work/|[A-Z]:\\\\)[^\s\"]*", words) == []
    assert len(text) < 600_000


def test_links_lead_somewhere(committed: NotebookNode) -> None:
    links = [
        link
        for cell in committed.cells
        if cell.cell_type == "markdown"
        for link in re.findall(r"\]\(([^)\s]+)\)", cell.source)
    ]
    assert links
    assert [link for link in links if not (notebook.DOCS / link).is_file()] == []
