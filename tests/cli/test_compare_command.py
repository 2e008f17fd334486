"""tumorlens compare, for people and for machines."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from tests.fixtures.html import Page, footer_facts
from tumorlens.cli import main
from tumorlens.training import Run


@pytest.fixture(scope="module")
def runs(evaluated_run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The same run twice, evaluated once; the second is correct more often."""
    place = tmp_path_factory.mktemp("compared")
    one, two = place / "one", place / "two"
    shutil.copytree(evaluated_run.folder, one)
    shutil.copytree(one, two)
    header, *rows = (one / "evaluations" / "test" / "predictions.csv").read_text().splitlines()
    for run, right in ((one, 1), (two, 4)):
        fields = [row.split(",") for row in rows]
        changed = [[f[0], f[1], f[2], f[2] if i < right else "other", *f[4:]] for i, f in enumerate(fields)]
        text = "\n".join([header, *(",".join(row) for row in changed)]) + "\n"
        (run / "evaluations" / "test" / "predictions.csv").write_text(text)
    return str(one), str(two)


def test_difference_test_and_conclusion_are_printed(runs: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["compare", *runs]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("phantom, test: 8 images, 4 patients")
    assert "+37.5 points (" in printed.out
    assert "McNemar, exact binomial, two-sided" in printed.out
    assert "no difference in accuracy is shown" in printed.out
    assert "caveat: McNemar's test assumes independent images" in printed.err


def test_json_is_that_of_the_file(runs: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "found" / "one-two.json"
    assert main(["compare", *runs, "--json", "--output", str(out)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"schema_version": 1} | json.loads(out.read_text())
    assert found["difference"]["accuracy"]["value"] == pytest.approx(0.375)
    assert found["mcnemar"] == {
        "test": "McNemar, exact binomial, two-sided",
        "only_first_correct": 0,
        "only_second_correct": 3,
        "p_value": 0.25,
    }
    record = json.loads((tmp_path / "found" / "one-two.run.json").read_text())
    assert record["outputs"] == ["one-two.json"]
    assert record["verb"] == "compare"


def test_a_page_is_written_where_the_suffix_asks_for_one(runs: tuple[str, str], tmp_path: Path) -> None:
    assert main(["compare", *runs, "-o", str(tmp_path / "both.html")]) == 0
    document = (tmp_path / "both.html").read_text(encoding="utf-8")
    assert "+37.5 points (" in Page(document).text
    record = json.loads((tmp_path / "both.run.json").read_text())
    assert record["outputs"] == ["both.html"]
    facts = footer_facts(document)
    assert facts["Data fingerprint"] == record["data_fingerprint"]
    assert facts["Command"] == shlex.join(record["command"])


def test_a_run_that_was_not_evaluated_is_an_error(
    runs: tuple[str, str], finished_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", runs[0], str(finished_run.folder)]) == 1
    assert f"run: tumorlens evaluate {finished_run.folder}" in capsys.readouterr().err
