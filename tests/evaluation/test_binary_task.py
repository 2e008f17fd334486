"""Data that says only yes or no is asked just that, of a network that knows kinds of tumor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tumorlens._record import Record
from tumorlens.datasets import Table, open_table
from tumorlens.datasets.phantom import make
from tumorlens.errors import DataError
from tumorlens.evaluation import Evaluation, evaluate, infer, write_evaluation
from tumorlens.evaluation.binary_task import BinaryTaskRun, collapse_tumor_classes
from tumorlens.metrics.calibration import softmax
from tumorlens.training import Run


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return open_table(make(tmp_path_factory.mktemp("elsewhere") / "set", patients=8, slices=1, seed=5, size=48))


def yes_or_no(table: Table) -> Table:
    said = tuple(s if s.label == "no_tumor" else replace(s, label="tumor", mask=None) for s in table.samples)
    return replace(table, samples=said, classes=("no_tumor", "tumor"))


@pytest.fixture(scope="module")
def found(finished_run: Run, named: Table) -> Evaluation:
    return evaluate(finished_run, table=yes_or_no(named), n_resamples=100)


def test_the_probability_of_a_tumor_is_that_of_all_kinds_together(
    found: Evaluation, finished_run: Run, named: Table
) -> None:
    apart = softmax(infer(finished_run.pipeline(), named.samples).logits)
    healthy = finished_run.spec.classes.index("no_tumor")
    assert found.metrics.classes == ("no_tumor", "tumor")
    assert softmax(found.logits)[:, 0] == pytest.approx(apart[:, healthy], abs=1e-5)
    assert found.metrics.support == {"no_tumor": 2, "tumor": 6}


def test_sensitivity_is_the_share_of_tumors_called_any_tumor(found: Evaluation) -> None:
    said = found.probabilities.argmax(1)
    true = np.array([sample.label == "tumor" for sample in found.samples])
    assert found.metrics.per_class["tumor"]["sensitivity"].value == pytest.approx((said[true] == 1).mean())
    assert found.metrics.per_class["tumor"]["specificity"].value == pytest.approx((said[~true] == 0).mean())


def test_it_is_calibrated_and_abstains_by_the_question_it_is_asked(found: Evaluation) -> None:
    assert found.calibration.units == 4
    assert found.abstention is not None
    assert found.to_dict()["abstention"]["validation_units"] == {"no_tumor": 1, "tumor": 3}


def test_a_caution_says_which_count_as_one(found: Evaluation, finished_run: Run, tmp_path: Path) -> None:
    assert any("glioma, meningioma, pituitary count as one" in text for text in found.caveats)
    assert any("which predict names, is never more often a tumor" in text for text in found.caveats)
    folder = tmp_path / "page"
    write_evaluation(finished_run, found, folder, Record("evaluate"))
    assert "count as one" in (folder / "report.html").read_text(encoding="utf-8")


def test_data_that_names_kinds_and_a_run_of_yes_or_no_are_asked_as_they_are(finished_run: Run, named: Table) -> None:
    assert collapse_tumor_classes(finished_run, None) is finished_run
    assert collapse_tumor_classes(finished_run, named) is finished_run
    asked = collapse_tumor_classes(finished_run, yes_or_no(named))
    assert isinstance(asked, BinaryTaskRun)
    assert collapse_tumor_classes(asked, yes_or_no(named)) is asked


def test_kinds_and_any_tumor_in_one_set_are_refused(finished_run: Run, named: Table) -> None:
    mixed = yes_or_no(named)
    first = replace(mixed.samples[0], label="glioma")
    mixed = replace(mixed, samples=(first, *mixed.samples[1:]), classes=("no_tumor", "tumor", "glioma"))
    with pytest.raises(DataError, match=r"classes \['tumor'\] found; the run knows .* tumor and no_tumor"):
        evaluate(finished_run, table=mixed)
