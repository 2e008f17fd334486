"""Data labeled tumor / no tumor is evaluated with the tumor classes of a run merged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.refusal import assert_refused
from tumorlens._record import Record
from tumorlens.datasets import Table, open_table
from tumorlens.datasets.phantom import make
from tumorlens.errors import DataError
from tumorlens.evaluation import Evaluation, evaluate, infer, write_evaluation
from tumorlens.evaluation.binary_task import BinaryTaskRun, collapse_tumor_classes
from tumorlens.metrics.calibration import softmax
from tumorlens.training import Run

pytestmark = pytest.mark.usefixtures("plain_charts")


@pytest.fixture(scope="module")
def several_classes(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return open_table(make(tmp_path_factory.mktemp("external") / "set", patients=8, slices=1, seed=5, size=48))


def binary(table: Table) -> Table:
    samples = tuple(s if s.label == "no_tumor" else replace(s, label="tumor", mask=None) for s in table.samples)
    return replace(table, samples=samples, classes=("no_tumor", "tumor"))


@pytest.fixture(scope="module")
def found(finished_run: Run, several_classes: Table) -> Evaluation:
    return evaluate(finished_run, table=binary(several_classes), n_resamples=100)


def test_the_probability_of_tumor_is_the_sum_over_tumor_classes(
    found: Evaluation, finished_run: Run, several_classes: Table
) -> None:
    original = softmax(infer(finished_run.pipeline(), several_classes.samples).logits)
    healthy = finished_run.spec.classes.index("no_tumor")
    assert found.metrics.classes == ("no_tumor", "tumor")
    assert softmax(found.logits)[:, 0] == pytest.approx(original[:, healthy], abs=1e-5)
    assert found.metrics.support == {"no_tumor": 2, "tumor": 6}


def test_sensitivity_is_the_share_of_tumors_predicted_as_any_tumor(found: Evaluation) -> None:
    predicted = found.probabilities.argmax(1)
    tumor = np.array([sample.label == "tumor" for sample in found.samples])
    assert found.metrics.per_class["tumor"]["sensitivity"].value == pytest.approx((predicted[tumor] == 1).mean())
    assert found.metrics.per_class["tumor"]["specificity"].value == pytest.approx((predicted[~tumor] == 0).mean())


def test_it_is_calibrated_for_the_binary_task(found: Evaluation) -> None:
    assert found.calibration.units == 4
    assert found.to_dict()["analyses"]["selective"]["validation_units"] == {"no_tumor": 1, "tumor": 3}


def test_a_caveat_lists_the_merged_classes(found: Evaluation, finished_run: Run, tmp_path: Path) -> None:
    assert any("glioma, meningioma, pituitary are merged" in text for text in found.caveats)
    assert any("only raise sensitivity" in text for text in found.caveats)
    folder = tmp_path / "page"
    write_evaluation(finished_run, found, folder, Record("evaluate"))
    assert "are merged" in (folder / "report.html").read_text(encoding="utf-8")


def test_data_with_tumor_classes_and_a_binary_run_stay_as_they_are(finished_run: Run, several_classes: Table) -> None:
    assert collapse_tumor_classes(finished_run, None) is finished_run
    assert collapse_tumor_classes(finished_run, several_classes) is finished_run
    merged = collapse_tumor_classes(finished_run, binary(several_classes))
    assert isinstance(merged, BinaryTaskRun)
    assert collapse_tumor_classes(merged, binary(several_classes)) is merged


def test_tumor_classes_and_any_tumor_in_one_table_are_refused(finished_run: Run, several_classes: Table) -> None:
    mixed = binary(several_classes)
    first = replace(mixed.samples[0], label="glioma")
    mixed = replace(mixed, samples=(first, *mixed.samples[1:]), classes=("no_tumor", "tumor", "glioma"))
    with assert_refused(
        DataError, found=r"classes \['tumor'\] found", expected="those of the run", advice="tumor and no_tumor"
    ):
        evaluate(finished_run, table=mixed)
