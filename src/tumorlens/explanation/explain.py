"""Run or model file + images -> heat maps of a class score, or of the predicted tumor mask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from tumorlens._extras import require
from tumorlens.errors import ModelError, RunError, TumorlensError
from tumorlens.explanation.catalog import Task
from tumorlens.explanation.explainer import Explainer
from tumorlens.explanation.methods.occlusion import BATCH
from tumorlens.scan import GrayImage, Mask, read_scan

if TYPE_CHECKING:
    from tumorlens.training import Run

ALL = "all"


@dataclass(frozen=True, eq=False)
class Explanation:
    """The heat maps of one image, and the output that they explain.

    Attributes:
        path: of the image.
        gray: (H, W) uint8, the image.
        target: the explained class; the predicted class where the mask is explained.
        probability: of that class; calibrated, except for a run without evaluation.
        task: what is explained, ``"classification"`` or ``"segmentation"``.
        mask: (H, W) uint8, 1 = predicted tumor; None where the network does not segment.
        heatmaps: method -> (H, W) float32 from 0 to 1.

    Example:
        >>> import tumorlens
        >>> predictor, image = tumorlens.load("tiny"), "phantoms/images/phantom0000000_00.png"  # a synthetic slice
        >>> explanation = next(tumorlens.explain(predictor, [image], target="glioma"))
        >>> explanation
        Explanation(phantom0000000_00.png: glioma 0..., by grad_cam)
        >>> explanation.heatmap.shape == explanation.gray.shape
        True
    """

    path: Path
    gray: GrayImage
    target: str
    probability: float
    task: Task
    mask: Mask | None
    heatmaps: dict[str, npt.NDArray[np.float32]]

    def __repr__(self) -> str:
        explained = self.target if self.task == "classification" else "predicted mask"
        return f"Explanation({self.path.name}: {explained} {self.probability:.3f}, by {', '.join(self.heatmaps)})"

    @property
    def heatmap(self) -> npt.NDArray[np.float32]:
        """The map of the requested method; the first of several."""
        return next(iter(self.heatmaps.values()))


@runtime_checkable
class Explainable(Protocol):
    """A model with an explainer, for example a `Predictor`."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in output order."""
        ...

    @property
    def explainer(self) -> Explainer:
        """Makes the heat maps of this model."""
        ...


def explain(
    model: Run | Explainable,
    paths: Iterable[str | Path],
    target: str | None = None,
    *,
    method: str = "grad_cam",
    task: Task = "classification",
    batch_size: int = BATCH,
) -> Iterator[Explanation | TumorlensError]:
    """Heat maps for each image, in order; for an unreadable image its error, and the others follow.

    Args:
        model: a finished run, or a model file opened by `tumorlens.load`.
        paths: image files.
        target: class to explain; None for the predicted class.
        method: a name of `METHODS`, ``"attention:NAME"`` for one attention map of several, or ``"all"`` for all
            methods that this network supports.
        task: what to explain: ``"classification"`` the score of the class, ``"segmentation"`` the predicted tumor mask.
        batch_size: the largest number of occluded copies of an image that the network gets at one time.

    Raises:
        ModelError: the model has no such class, or does not support the method.

    Example:
        >>> import tumorlens
        >>> run = tumorlens.load_run("run")  # the folder of a finished training; a model file works, too
        >>> for explanation in tumorlens.explain(run, ["phantoms/images/phantom0000000_00.png"], method="hires_cam"):
        ...     print(explanation.path.name, explanation.heatmap.shape, list(explanation.heatmaps))
        phantom0000000_00.png (64, 64) ['hires_cam']
    """
    classes, explainer = _classes_and_explainer(model)
    explainer.batch_size = batch_size
    if target is not None and target not in classes:
        raise ModelError(found=f"class '{target}' found", expected=f"a class of the model, one of {list(classes)}")
    if method != ALL:
        explainer.check(method, task)
    methods = explainer.available(task) if method == ALL else [method]
    return _explanations(explainer, classes, paths, None if target is None else classes.index(target), methods, task)


def _explanations(
    explainer: Explainer,
    classes: Sequence[str],
    paths: Iterable[str | Path],
    target: int | None,
    methods: Sequence[str],
    task: Task,
) -> Iterator[Explanation | TumorlensError]:
    for path in map(Path, paths):
        try:
            gray = read_scan(path).gray_slice()
        except TumorlensError as error:
            yield error
            continue
        probabilities, mask = explainer.predict(gray)
        index = int(probabilities.argmax()) if target is None else target
        heatmaps = {name: explainer.heatmaps(gray[None], [index], method=name, task=task)[0] for name in methods}
        yield Explanation(path, gray, classes[index], float(probabilities[index]), task, mask, heatmaps)


def _classes_and_explainer(model: Run | Explainable) -> tuple[tuple[str, ...], Explainer]:
    """The class names of a run or of a model file, and its explainer."""
    if isinstance(model, Explainable):
        return model.classes, model.explainer
    require("torch", "train", "explain runs")
    from tumorlens.evaluation import read_evaluation
    from tumorlens.explanation.pipeline_explainer import PipelineExplainer

    try:
        temperature = read_evaluation(model).record.calibration.temperature
    except RunError:
        temperature = 1.0
    return model.spec.classes, PipelineExplainer(model.pipeline(temperature), model.spec.model)
