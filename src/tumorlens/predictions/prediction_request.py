"""What a source of predictions is asked, and how it reports images and predictions that do not belong together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tumorlens._progress import Progress
from tumorlens.datasets import Table
from tumorlens.errors import DataError
from tumorlens.evaluation.tool_predictions import Predictions

Unmatched = Literal["error", "ignore"]
"""What to do with images without a prediction, and with predictions without an image."""


@dataclass(frozen=True)
class PredictionRequest:
    """What to read, and for which images.

    Attributes:
        path: of the file or the folder.
        table: the images.
        unmatched: whether images without a prediction and predictions without an image are errors.
        device: of a network that is run.
        threads: of it; None for all.
        batch_size: images that it gets at one time.
        progress: called while a network runs.
        description: YAML file that describes an ONNX file of another tool or a state dict; None for all others.
        network: architecture of a state dict; None for all others.
        mask_labels: values of masks of volumes that count as tumor; empty for all but 0.
        resample_masks: whether masks of volumes on another grid are resampled; else they are refused.
    """

    path: Path
    table: Table
    unmatched: Unmatched
    device: Literal["cpu", "cuda"]
    threads: int | None
    batch_size: int
    progress: Progress
    description: Path | None = None
    network: str | None = None
    mask_labels: tuple[int, ...] = ()
    resample_masks: bool = False

    def check(self, missing: Sequence[str], surplus: Sequence[str], path: Path | None = None) -> None:
        """Refuse images without a prediction and predictions without an image, unless they are to be ignored.

        Args:
            missing: ids of images that have no prediction.
            surplus: names of predictions that have no image.
            path: of the predictions.

        Raises:
            DataError: there are some, or no image has a prediction.
        """
        found = []
        if missing:
            found.append(
                f"{len(missing):,} of {len(self.table):,} images have no prediction, the first is {missing[0]}"
            )
        if surplus:
            found.append(f"{len(surplus):,} predictions have no image, the first is '{surplus[0]}'")
        if len(missing) == len(self.table) or (found and self.unmatched == "error"):
            raise DataError(
                file=path or self.path,
                found=", and ".join(found),
                expected=f"one prediction for each image of {self.table.name}, named by its id, path or file name",
                advice="leave these out with --unmatched ignore" if len(missing) < len(self.table) else None,
            )


@dataclass(frozen=True)
class PredictionReader:
    """One source of predictions, as the registry holds it.

    Attributes:
        summary: what it reads, in words.
        recognizes: whether a request is of this kind.
        read: reads the predictions, or computes them.
    """

    summary: str
    recognizes: Callable[[PredictionRequest], bool]
    read: Callable[[PredictionRequest], Predictions]
