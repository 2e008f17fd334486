"""Run or bundle + images -> heat maps of what spoke for a class, or for the tumor that was drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from tumorlens._extras import require
from tumorlens.errors import ModelError, RunError, TumorlensError
from tumorlens.explanation.catalog import Of
from tumorlens.explanation.explainer import Explainer
from tumorlens.scan import GrayImage, Mask, read_scan

if TYPE_CHECKING:
    from tumorlens.training import Run

ALL = "all"


@dataclass(frozen=True, eq=False)
class Explanation:
    """Heat maps and what they explain.

    Attributes:
        path: of the image.
        gray: (H, W) uint8, the image.
        target: the class that is explained; the predicted one where the mask is.
        probability: of that class; calibrated, unless it is a run that was not evaluated.
        of: ``"class"`` or ``"mask"``.
        mask: (H, W) uint8, 1 where the network draws a tumor; None where it draws none at all.
        heatmaps: method to (H, W) float32 from 0 to 1.
    """

    path: Path
    gray: GrayImage
    target: str
    probability: float
    of: Of
    mask: Mask | None
    heatmaps: dict[str, npt.NDArray[np.float32]]

    @property
    def heatmap(self) -> npt.NDArray[np.float32]:
        """That of the method asked for; of several the first."""
        return next(iter(self.heatmaps.values()))


@runtime_checkable
class Explained(Protocol):
    """What explains itself, as a `Predictor` does."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in output order."""
        ...

    @property
    def explainer(self) -> Explainer:
        """The network, ready to be explained."""
        ...


def explain(
    model: Run | Explained,
    paths: Iterable[str | Path],
    target: str | None = None,
    *,
    method: str = "grad_cam",
    of: Of = "class",
) -> Iterator[Explanation | TumorlensError]:
    """Heat maps for each image, in order; an unreadable one gives its error, and the rest go on.

    Args:
        model: a finished run, or a bundle as `tumorlens.load` opens it.
        paths: image files.
        target: class to explain; None for the predicted one.
        method: a name of `METHODS`, ``"attention:NAME"`` for one attention map of several, or ``"all"`` for whatever
            this network can give.
        of: ``"mask"`` explains the tumor that the network draws.

    Raises:
        ModelError: the model knows no such class, or cannot give that method.
    """
    classes, explainer = _opened(model)
    if target is not None and target not in classes:
        raise ModelError(f"class '{target}' asked for; expected one of those the model knows, {list(classes)}")
    if method != ALL:
        explainer.check(method, of)
    methods = explainer.available(of) if method == ALL else [method]
    return _explanations(explainer, classes, paths, None if target is None else classes.index(target), methods, of)


def _explanations(
    explainer: Explainer,
    classes: Sequence[str],
    paths: Iterable[str | Path],
    target: int | None,
    methods: Sequence[str],
    of: Of,
) -> Iterator[Explanation | TumorlensError]:
    for path in map(Path, paths):
        try:
            gray = read_scan(path).gray_slice()
        except TumorlensError as error:
            yield error
            continue
        probabilities, mask = explainer.answer(gray)
        index = int(probabilities.argmax()) if target is None else target
        maps = {name: explainer.heatmaps(gray[None], [index], method=name, of=of)[0] for name in methods}
        yield Explanation(path, gray, classes[index], float(probabilities[index]), of, mask, maps)


def _opened(model: Run | Explained) -> tuple[tuple[str, ...], Explainer]:
    """The classes of a run or of a bundle, and its network."""
    if isinstance(model, Explained):
        return model.classes, model.explainer
    require("torch", "train", "explain runs")
    from tumorlens.evaluation import read_evaluation
    from tumorlens.explanation.pipeline_explainer import PipelineExplainer

    try:
        temperature = float(read_evaluation(model).facts["calibration"]["temperature"])
    except RunError:
        temperature = 1.0
    return model.spec.classes, PipelineExplainer(model.pipeline(temperature), model.spec.model)
