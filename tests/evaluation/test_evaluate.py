"""A run is measured on what it has never seen, and refuses the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tumorlens.datasets import Table, open_table
from tumorlens.datasets.phantom import make
from tumorlens.errors import DataError, RunError, SplitError
from tumorlens.evaluation import Evaluation, calibrate, evaluate
from tumorlens.evaluation.evaluation_result import worst
from tumorlens.training import Run


@pytest.fixture(scope="module")
def found(finished_run: Run) -> Evaluation:
    return evaluate(finished_run, n_resamples=100)


def test_it_measures_the_test_part_and_nothing_else(found: Evaluation, phantom_table: Table) -> None:
    assert [s.id for s in found.samples] == [s.id for s in phantom_table.subset("test").samples]
    assert found.facts["part"] == "test"
    assert found.facts["split_hash"] == phantom_table.split_hash
    assert found.facts["evidence"] == "8 images, 4 patients"
    assert found.metrics.confusion_matrix.sum() == len(found.samples) == len(found.cams)


def test_its_accuracy_is_the_share_of_right_answers(found: Evaluation) -> None:
    said = [found.metrics.classes[i] for i in found.probabilities.argmax(1)]
    right = np.mean([name == sample.label for name, sample in zip(said, found.samples, strict=True)])
    assert found.metrics.overall["accuracy"].value == pytest.approx(right)


def test_it_cautions_that_four_patients_are_few(found: Evaluation) -> None:
    assert any("Only 4 test patients" in text for text in found.caveats)


def test_the_temperature_is_that_of_the_validation_part(
    found: Evaluation, finished_run: Run, phantom_table: Table
) -> None:
    alone = calibrate(finished_run, phantom_table)
    assert found.calibration.temperature == pytest.approx(alone.temperature, rel=1e-4)
    assert (alone.fitted_on, alone.units) == (8, 4)


def test_without_a_validation_part_nothing_is_calibrated(finished_run: Run, phantom_table: Table) -> None:
    assert calibrate(finished_run, phantom_table.subset("test")).temperature == 1
    assert calibrate(finished_run, phantom_table.subset("test")).reason == "the run has no validation part"


def test_the_same_seed_gives_the_same_numbers_and_another_one_other_intervals(
    found: Evaluation, finished_run: Run
) -> None:
    assert evaluate(finished_run, n_resamples=100).to_dict() == found.to_dict()
    other = evaluate(finished_run, n_resamples=100, seed=1).metrics.overall["brier"]
    assert other.value == found.metrics.overall["brier"].value
    assert other.low != found.metrics.overall["brier"].low


def test_progress_counts_training_validation_and_test_images(finished_run: Run) -> None:
    steps: list[tuple[int, int]] = []
    evaluate(finished_run, background=False, n_resamples=100, progress=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (24, 24)
    assert steps == sorted(steps)


def test_the_validation_part_can_be_measured_and_says_that_it_was_chosen_on(finished_run: Run) -> None:
    found = evaluate(finished_run, split="val", n_resamples=100)
    assert "validation part" in found.caveats[0]


def test_the_validation_part_is_not_asked_when_to_say_no_for_its_own_limits_are_from_it(
    found: Evaluation, finished_run: Run
) -> None:
    assert found.ood is not None
    assert found.abstention is not None
    assert (found.ood.fit.images, len(found.ood.scores)) == (8, 8)
    assert found.to_dict()["abstention"]["validation_units"] == dict.fromkeys(found.metrics.classes, 1)
    of_validation = evaluate(finished_run, split="val", n_resamples=100)
    assert of_validation.ood is of_validation.abstention is None


def test_the_worst_mistakes_are_mistakes_the_surest_first(found: Evaluation) -> None:
    order = worst(found, 5)
    sure = [found.probabilities[i].max() for i in order]
    assert sure == sorted(sure, reverse=True)
    for i in order:
        assert found.metrics.classes[int(found.probabilities[i].argmax())] != found.samples[i].label


def test_other_data_may_lack_classes(finished_run: Run, tmp_path: Path) -> None:
    table = open_table(make(tmp_path / "new", patients=8, slices=1, seed=5, size=48))
    some = table.where(lambda s: s.label in ("glioma", "no_tumor"))
    found = evaluate(finished_run, table=some, n_resamples=100)
    assert found.facts["part"] == "all"
    assert found.facts["foreign"]
    assert found.facts["data_fingerprint"] != finished_run.record.data_fingerprint
    assert found.metrics.support == {"glioma": 2, "meningioma": 0, "pituitary": 0, "no_tumor": 2}
    assert any("meningioma, pituitary" in text for text in found.caveats)
    assert any("other data" in text for text in found.caveats)


def test_other_data_with_training_patients_is_refused(finished_run: Run, phantom_table: Table) -> None:
    with pytest.raises(SplitError, match=r"4 of its patients .* training or validation"):
        evaluate(finished_run, table=phantom_table.subset("train"))


def test_other_data_with_unknown_classes_is_refused(finished_run: Run) -> None:
    from tests.fixtures.tiny_datasets import patients

    with pytest.raises(DataError, match=r"\['stroke'\] found; the run knows"):
        evaluate(finished_run, table=patients({"stroke": 2}))


def test_a_changed_image_is_noticed(finished_run: Run, phantom_table: Table) -> None:
    image = phantom_table.subset("test").samples[0].image
    before = image.read_bytes()
    try:
        Image.new("L", (64, 64)).save(image)
        with pytest.raises(RunError, match="images have changed since training"):
            evaluate(finished_run)
    finally:
        image.write_bytes(before)
