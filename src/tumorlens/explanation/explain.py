"""Run + pictures -> overlays that show what spoke for a class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from tumorlens.errors import ModelError, TumorlensError
from tumorlens.evaluation.infer import grey_slice
from tumorlens.explanation.gradcam import grad_cam
from tumorlens.report.heat import heat
from tumorlens.scan import GreyImage
from tumorlens.training import Run


@dataclass(frozen=True, eq=False)
class Explanation:
    """A heat map and what it explains.

    Attributes:
        path: of the picture.
        grey: (H, W) uint8, the picture.
        target: the class that is explained.
        probability: of that class, before calibration.
        heatmap: (H, W) float32 from 0 to 1.
    """

    path: Path
    grey: GreyImage
    target: str
    probability: float
    heatmap: npt.NDArray[np.float32]


def explain(run: Run, paths: Iterable[str | Path], target: str | None = None) -> Iterator[Explanation | TumorlensError]:
    """Grad-CAM for each picture, in order; an unreadable one gives its error, and the rest go on.

    Args:
        run: a finished run.
        paths: picture files.
        target: class to explain; None for the predicted one.

    Raises:
        ModelError: the run knows no such class.
    """
    classes = run.spec.classes
    if target is not None and target not in classes:
        raise ModelError(f"class '{target}' asked for; expected one of those the run knows, {list(classes)}")
    return _explanations(run, paths, None if target is None else classes.index(target))


def _explanations(run: Run, paths: Iterable[str | Path], target: int | None) -> Iterator[Explanation | TumorlensError]:
    network, prepare = run.network(), run.spec.prepare()
    for path in map(Path, paths):
        try:
            grey = grey_slice(path)
        except TumorlensError as error:
            yield error
            continue
        picture = torch.from_numpy(grey.copy())[None]
        boxes = prepare.boxes(picture)
        inputs = prepare(picture, boxes)
        with torch.inference_mode():
            probabilities = torch.softmax(network(inputs).logits[0], 0)
        index = int(probabilities.argmax()) if target is None else target
        activation = grad_cam(network, inputs, [index])[0].numpy()
        height, width = grey.shape
        heatmap = heat(activation, run.spec.canvas.place(height, width, tuple(boxes[0].tolist())))
        yield Explanation(path, grey, run.spec.classes[index], float(probabilities[index]), heatmap)
