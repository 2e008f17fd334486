"""Predicted classes + predicted masks -> where classification and segmentation disagree."""

from __future__ import annotations

from tumorlens.datasets.classes import HEALTHY
from tumorlens.evaluation.evaluation_result import Evaluation
from tumorlens.report import Blocks, note
from tumorlens.report.text import percentage
from tumorlens.scan import Mask
from tumorlens.scan.islands import ISLAND_SHARE, without_islands

ISLANDS = (
    f"Predicted components smaller than {percentage(ISLAND_SHARE, None)} of the image (131 of 512 x 512 pixels) are "
    "islands: they are not drawn and not taken for a tumor here. Stored masks and metrics count every pixel."
)


class ShownMasks:
    """The predicted masks of an evaluation as the page shows them: without islands.

    Args:
        evaluation: whose network segments.
    """

    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation

    def mask(self, position: int) -> tuple[Mask, int]:
        """The mask of an image without islands, and their number."""
        return without_islands(self._evaluation.masks[position].unpack())

    def disagreement(self, position: int) -> str:
        """How class and mask of an image contradict each other, in words; empty where they agree."""
        if self._evaluation.given == "masks":
            return ""
        row = self._evaluation.probabilities[position]
        label = self._evaluation.metrics.classes[int(row.argmax())]
        return disagreement(label, segmented=bool(self.mask(position)[0].any()))

    def blocks(self) -> Blocks:
        """How often class and mask contradict each other."""
        if self._evaluation.given == "masks":
            return note("info", ISLANDS)
        total = len(self._evaluation.masks)
        found = [text for text in map(self.disagreement, range(total)) if text]
        class_only = sum("no tumor is segmented" in text for text in found)
        mask_only = len(found) - class_only
        if not found:
            return note("ok", f"Classification and segmentation agree on all {total:,} images. {ISLANDS}")
        return note(
            "warning",
            f"Classification and segmentation disagree on {len(found):,} of {total:,} images: {mask_only:,} "
            f"are classified as without tumor, but a tumor is segmented; {class_only:,} are classified as a tumor, but "
            f"none is segmented. Trust neither on these images. {ISLANDS}",
        )


def disagreement(label: str, *, segmented: bool) -> str:
    """How a class and a mask contradict each other, in words; empty where they agree.

    Args:
        label: the predicted class.
        segmented: whether the mask shows a tumor.
    """
    if (label in HEALTHY) != segmented:
        return ""
    return f"disagree: classified {label}, but {'a' if segmented else 'no'} tumor is segmented"


def island_text(islands: int) -> str:
    """One line for a caption; empty without islands."""
    return f"{islands} island{'s' * (islands != 1)} not drawn" if islands else ""
