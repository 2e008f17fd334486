"""The tutorial notebook: it runs from its first cell to its last, and what is committed with it is fit to be seen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nbformat import NotebookNode

from tests.fixtures import notebook

NUMBERS = {"PATIENTS": 24, "SLICES": 2, "SIZE": 64, "EXTERNAL_PATIENTS": 8, "EPOCHS": 1, "N_RESAMPLES": 100}


@pytest.fixture
def committed() -> NotebookNode:
    return notebook.read()


def code(cells: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in cells.cells if cell.cell_type == "code"]


def output_of(cells: NotebookNode, name: str) -> str:
    """What a cell wrote, in one line."""
    (cell,) = (cell for cell in cells.cells if cell.id == name)
    return " ".join("".join(output.text for output in cell.outputs if output.output_type == "stream").split())


@pytest.mark.slow  # a kernel of its own that imports torch, and three trainings: half a minute
def test_every_cell_runs_one_after_the_other(
    committed: NotebookNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where the notebook makes its folder
    ran = notebook.run(committed, tmp_path, NUMBERS)
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


def test_the_numbers_that_are_made_smaller_are_those_of_the_notebook(committed: NotebookNode) -> None:
    (cell,) = (cell for cell in code(committed) if notebook.PARAMETERS in cell.metadata.get("tags", ()))
    names: dict[str, int] = {}
    exec(cell.source, {}, names)
    assert set(names) == set(NUMBERS)
    assert all(NUMBERS[name] < value for name, value in names.items())


def test_what_is_committed_was_run_from_top_to_bottom_without_warnings(committed: NotebookNode) -> None:
    assert [cell.execution_count for cell in code(committed)] == list(range(1, len(code(committed)) + 1))
    outputs = [output for cell in code(committed) for output in cell.outputs]
    assert {output.output_type for output in outputs} == {"stream", "display_data"}
    assert {output.name for output in outputs if output.output_type == "stream"} == {"stdout"}


def test_what_is_committed_names_no_machine_and_is_small() -> None:
    text = notebook.NOTEBOOK.read_text(encoding="utf-8")
    words = re.sub(r'"image/jpeg": "[^"]*"', "", text)
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
    assert [link for link in links if not (notebook.NOTEBOOK.parent / link).is_file()] == []
