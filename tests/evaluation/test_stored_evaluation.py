"""An evaluation is read again as it was written, and only with the weights that it was made with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.refusal import assert_refused
from tumorlens.errors import RunError
from tumorlens.evaluation import Evaluation, evaluate, write_evaluation
from tumorlens.evaluation.stored_evaluation import read_evaluation
from tumorlens.training import Run

pytestmark = pytest.mark.usefixtures("plain_charts")


@pytest.fixture(scope="module")
def found(evaluation: Evaluation) -> Evaluation:
    return evaluation


@pytest.fixture
def evaluated(own_run: Run, found: Evaluation) -> Run:
    write_evaluation(own_run, found)
    return own_run


def test_metrics_and_predictions_are_those_of_the_evaluation(evaluated: Run, found: Evaluation) -> None:
    stored = read_evaluation(evaluated)
    assert stored.accuracy == found.metrics.overall["accuracy"]
    assert list(stored.predictions) == [sample.id for sample in found.samples]
    for sample, probabilities in zip(found.samples, found.probabilities, strict=True):
        row = stored.predictions[sample.id]
        assert (row.label, row.unit) == (sample.label, sample.unit)
        assert row.predicted == found.metrics.classes[int(probabilities.argmax())]
        assert row.segmentation == {}


def test_scores_of_masks_are_read_where_there_is_a_reference_mask(segmentation_run: Run, tmp_path: Path) -> None:
    import shutil

    from tumorlens.training import load_run

    run = load_run(shutil.copytree(segmentation_run.folder, tmp_path / "run"))
    masks = evaluate(run, analyses={"region_occlusion": False}, n_resamples=50)
    write_evaluation(run, masks)
    rows = read_evaluation(run).predictions.values()
    assert {row.label for row in rows if not row.segmentation} == {"no_tumor"}
    assert all(set(row.segmentation) == {"dice", "hd95", "reference_pixels"} for row in rows if row.segmentation)


@pytest.mark.parametrize("name", ["evaluation.json", "predictions.csv"])
def test_a_missing_file_is_named_with_the_command_that_writes_it(evaluated: Run, name: str) -> None:
    (evaluated.evaluation_folder() / name).unlink()
    with assert_refused(RunError) as caught:
        read_evaluation(evaluated)
    assert caught.value.found == f"{name} not found"
    assert caught.value.advice == f"run: tumorlens evaluate {evaluated.folder}"


@pytest.mark.parametrize(
    ("name", "content"), [("evaluation.json", "{"), ("evaluation.json", "{}"), ("predictions.csv", "id,label\n1,a\n")]
)
def test_a_damaged_file_is_refused(evaluated: Run, name: str, content: str) -> None:
    (evaluated.evaluation_folder() / name).write_text(content)
    with assert_refused(RunError, found="^damaged ", advice="tumorlens evaluate"):
        read_evaluation(evaluated)


def test_an_evaluation_of_other_weights_is_refused(evaluated: Run) -> None:
    from safetensors.torch import load_file, save_file

    path = evaluated.folder / "weights.safetensors"
    save_file({key: value * 1.01 for key, value in load_file(path).items()}, path)
    with assert_refused(RunError, found="other weights", advice="tumorlens evaluate"):
        read_evaluation(evaluated)
