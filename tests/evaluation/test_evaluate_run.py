"""A run is evaluated on data it has never seen, and refuses other data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import Table, open_table
from tumorlens.datasets.phantom import make
from tumorlens.errors import DataError, RunError, SplitError
from tumorlens.evaluation import Evaluation, calibrate, evaluate
from tumorlens.evaluation.evaluation_result import most_confident_errors
from tumorlens.training import Run


@pytest.fixture(scope="module")
def found(evaluation: Evaluation) -> Evaluation:
    return evaluation


def test_it_measures_the_test_subset_and_nothing_else(found: Evaluation, phantom_table: Table) -> None:
    assert [s.id for s in found.samples] == [s.id for s in phantom_table.subset("test").samples]
    assert found.facts.subset == "test"
    assert found.facts.split_hash == phantom_table.split_hash
    assert found.facts.evidence == "8 images, 4 patients"
    assert found.metrics.confusion_matrix.sum() == len(found.samples) == len(found.cams)


def test_its_accuracy_is_the_share_of_correctly_classified_images(found: Evaluation) -> None:
    predicted = [found.metrics.classes[i] for i in found.probabilities.argmax(1)]
    right = np.mean([name == sample.label for name, sample in zip(predicted, found.samples, strict=True)])
    assert found.metrics.overall["accuracy"].value == pytest.approx(right)


def test_four_patients_are_few_is_a_caveat(found: Evaluation) -> None:
    assert any("Only 4 test patients" in text for text in found.caveats)


def test_the_temperature_is_that_of_the_validation_subset(
    found: Evaluation, finished_run: Run, phantom_table: Table
) -> None:
    alone = calibrate(finished_run, phantom_table)
    assert found.calibration.temperature == pytest.approx(alone.temperature, rel=1e-4)
    assert (alone.images, alone.units) == (8, 4)


def test_without_a_validation_subset_nothing_is_calibrated(finished_run: Run, phantom_table: Table) -> None:
    assert calibrate(finished_run, phantom_table.subset("test")).temperature == 1
    assert calibrate(finished_run, phantom_table.subset("test")).reason == "the run has no validation subset"


def test_the_same_seed_gives_the_same_numbers_and_another_one_other_intervals(
    found: Evaluation, evaluated_run: Run
) -> None:
    assert evaluate(evaluated_run, n_resamples=100).to_dict() == found.to_dict()
    other = evaluate(evaluated_run, n_resamples=100, seed=1).metrics.overall["brier"]
    assert other.value == found.metrics.overall["brier"].value
    assert other.low != found.metrics.overall["brier"].low


def test_progress_counts_training_validation_and_test_images(finished_run: Run) -> None:
    steps: list[tuple[str, int, int | None]] = []
    evaluate(
        finished_run,
        analyses={"region_occlusion": False},
        n_resamples=100,
        progress=lambda stage, done, total: steps.append((stage, done, total)),
    )
    counted = {stage: [done for name, done, _ in steps if name == stage] for stage, _, _ in steps}
    totals = {stage: total for stage, _, total in steps}
    assert totals == {"inference": 16, "OOD fit": 8}
    assert all(done == sorted(done) and done[-1] == totals[stage] for stage, done in counted.items())


def test_the_validation_subset_can_be_measured_and_has_a_caveat(finished_run: Run) -> None:
    found = evaluate(finished_run, subset="val", n_resamples=100)
    assert "validation subset" in found.caveats[0]


def test_the_validation_subset_has_no_ood_and_no_selective_result_since_thresholds_are_from_it(
    found: Evaluation, finished_run: Run
) -> None:
    ood = found.analyses["ood"]
    assert (ood.fit.images, len(ood.scores)) == (8, 8)
    selective = found.to_dict()["analyses"]["selective"]
    assert selective["validation_units"] == dict.fromkeys(found.metrics.classes, 1)
    assert not {"ood", "selective"} & set(evaluate(finished_run, subset="val", n_resamples=100).analyses)


def test_an_analysis_that_does_not_exist_is_refused_with_those_that_do(finished_run: Run) -> None:
    with assert_refused(DataError, found="'tea_leaves'", expected="one of leakage, subgroups, volumes"):
        evaluate(finished_run, analyses={"tea_leaves": True})


def test_errors_are_listed_with_the_highest_confidence_first(found: Evaluation) -> None:
    order = most_confident_errors(found, 5)
    sure = [found.probabilities[i].max() for i in order]
    assert sure == sorted(sure, reverse=True)
    for i in order:
        assert found.metrics.classes[int(found.probabilities[i].argmax())] != found.samples[i].label


def test_external_data_may_lack_classes(finished_run: Run, tmp_path: Path) -> None:
    table = open_table(make(tmp_path / "new", patients=8, slices=1, seed=5, size=48))
    some = table.filter(lambda s: s.label in ("glioma", "no_tumor"))
    found = evaluate(finished_run, table=some, n_resamples=100)
    assert found.facts.subset == "all"
    assert found.facts.external
    assert found.facts.data_fingerprint != finished_run.record.data_fingerprint
    assert found.metrics.support == {"glioma": 2, "meningioma": 0, "pituitary": 0, "no_tumor": 2}
    assert any("meningioma, pituitary" in text for text in found.caveats)
    assert any("external data" in text for text in found.caveats)


def test_external_data_with_training_patients_is_refused(finished_run: Run, phantom_table: Table) -> None:
    with assert_refused(SplitError, found="4 of its patients .* train or validation"):
        evaluate(finished_run, table=phantom_table.subset("train"))


def test_external_data_with_unknown_classes_is_refused(finished_run: Run) -> None:
    from tests.fixtures.tiny_datasets import patients

    with assert_refused(DataError, found=r"\['stroke'\] found", expected="those of the run"):
        evaluate(finished_run, table=patients({"stroke": 2}))


def test_a_changed_image_is_noticed(finished_run: Run, phantom_table: Table) -> None:
    image = phantom_table.subset("test").samples[0].image
    before = image.read_bytes()
    try:
        Image.new("L", (64, 64)).save(image)
        with assert_refused(RunError, found="images have changed since training"):
            evaluate(finished_run)
    finally:
        image.write_bytes(before)


def test_the_repr_is_one_line_with_data_evidence_and_accuracy(found: Evaluation) -> None:
    accuracy = found.metrics.overall["accuracy"]
    start = f"{found.facts.run} on {found.facts.data}, test: {found.facts.evidence}"
    assert repr(found) == f"Evaluation({start}, accuracy {accuracy.percent()})"


def test_a_notebook_shows_the_main_metrics_with_intervals(found: Evaluation) -> None:
    html = found._repr_html_()
    for name in ("accuracy", "macro_f1"):
        assert found.metrics.overall[name].percent() in html
    assert all(f"sensitivity, {name}" in html for name in found.metrics.classes)
    assert "research" in html


def test_a_data_frame_has_a_row_per_image(found: Evaluation) -> None:
    pytest.importorskip("pandas")
    frame = found.to_pandas()
    classes = found.metrics.classes
    assert list(frame.columns) == ["id", "group", "label", "predicted", *(f"p_{name}" for name in classes)]
    assert list(frame.id) == [sample.id for sample in found.samples]
    assert (frame.label == frame.predicted).mean() == found.metrics.overall["accuracy"].value
    np.testing.assert_array_equal(frame[[f"p_{name}" for name in classes]].to_numpy(), found.probabilities)
