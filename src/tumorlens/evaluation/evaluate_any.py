"""Run or predictions of another tool -> evaluation: the one public function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tumorlens._extras import require
from tumorlens._progress import ProgressOption
from tumorlens.datasets import Table
from tumorlens.errors import DataError
from tumorlens.evaluation.evaluate_predictions import evaluate_predictions
from tumorlens.evaluation.evaluation_options import EvaluationOptions
from tumorlens.evaluation.evaluation_result import Evaluation
from tumorlens.evaluation.inference_result import BATCH
from tumorlens.evaluation.tool_predictions import Predictions

if TYPE_CHECKING:
    from tumorlens.training import Run


def evaluate(
    run: Run | Predictions,
    *,
    table: Table | None = None,
    subset: str = "test",
    trained_on: Table | None = None,
    allow_box_masks: bool = False,
    prevalence: float | None = None,
    analyses: Mapping[str, bool] | None = None,
    limits: Mapping[str, int] | None = None,
    n_resamples: int = 2000,
    seed: int = 0,
    batch_size: int = BATCH,
    progress: ProgressOption = None,
) -> Evaluation:
    """Evaluate a run on a subset of its own data, or on external data; or evaluate predictions of another tool.

    Args:
        run: a finished run, or predictions that `tumorlens.read_predictions` read, without `table` and `subset`.
        table: external data, all of it is used; None for a subset of the run's own data. Where its only tumor class is
            "tumor", all tumor classes of the run count as that.
        subset: ``"test"``, ``"val"`` or ``"train"`` of the run's own data.
        trained_on: of predictions, the images their model was trained on; those with the split test are not. Leaks are
            found between it and the measured images. None: not known, which is a caveat. A run knows its own.
        allow_box_masks: report segmentation metrics even if most reference masks are bounding boxes.
        prevalence: share of tumors for which predictive values are computed, between 0 and 1; None for no such values.
        analyses: name of an analysis -> whether to make it; the registry says which are made otherwise. Region
            occlusion takes three times as long as all the rest; robustness is made on request only.
        limits: name of an analysis -> the largest number of images for it; 0 for all.
        n_resamples: of the bootstrap by patient.
        seed: of the bootstrap.
        batch_size: the largest number of images that the network gets at one time.
        progress: a callable, True for bars, None for silence.

    Raises:
        SplitError: external data that shares patients or images with the run's train subset.
        DataError: labels the run does not know, an empty subset, reference masks that are bounding boxes, an
            analysis that does not exist, or a prevalence that is not between 0 and 1 or has no class without tumor.
        RunError: the run's data changed since training.
        ScanError: an image cannot be read, or a mask.

    Example:
        >>> import tumorlens
        >>> run = tumorlens.load_run("run")  # the folder of a finished training on phantoms of 12 patients
        >>> evaluation = tumorlens.evaluate(run, analyses={"region_occlusion": False}, n_resamples=100)
        >>> evaluation
        Evaluation(run on phantom, test: 8 images, 4 patients, accuracy ...)
    """
    options = EvaluationOptions(
        allow_box_masks, prevalence, analyses or {}, limits or {}, n_resamples, seed, batch_size, progress
    )
    if isinstance(run, Predictions):
        if table is not None or subset != "test":
            raise DataError(
                found="a table or a subset beside predictions",
                expected="predictions alone, which belong to a table already",
                advice="give the table, or its subset, to read_predictions",
            )
        return evaluate_predictions(run, options, trained_on=trained_on)
    if trained_on is not None:
        raise DataError(found="trained_on beside a run", expected="a run alone, which knows its own training data")
    require("torch", "train", "evaluate networks")
    from tumorlens.evaluation.evaluate_run import evaluate_run

    return evaluate_run(run, options, table=table, subset=subset)
