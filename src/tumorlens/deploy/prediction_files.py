"""Predictions of many images -> predictions.jsonl, predictions.csv, overlays, masks and run.json in one folder.

Rows are written as they come, so that an interrupt or a full disk loses none, and a later call goes on after the last.
"""

from __future__ import annotations

import contextlib
import csv
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from PIL import Image

from tumorlens._files import atomic_write
from tumorlens._json_lines import JsonLines
from tumorlens._record import SURROGATES, Record
from tumorlens.deploy.prediction import Prediction
from tumorlens.deploy.predictor import Predictor
from tumorlens.errors import RunError
from tumorlens.report import marked, overlay, save_overlay, save_png, side_by_side

ROWS, TABLE, RECORD = "predictions.jsonl", "predictions.csv", "run.json"
_SAME = ("verb", "model_sha256", "spacing", "coverage", "overlays", "masks")  # facts that a resumed call must share
_LARGEST_LESION = (
    "diameter_pixels",
    "diameter_mm",
    "perpendicular_pixels",
    "perpendicular_mm",
    "centroid_row",
    "centroid_column",
    "side",
)
_SEGMENTATION = ("tumor_pixels", "tumor_mm2", "consistent", "mask", "lesions", *_LARGEST_LESION)
_RELIABILITY = ("ood", "ood_score", "prediction_set", "abstains")


class PredictionFiles:
    """The files of many predictions; a context, at whose end the table and the record are complete.

    Args:
        folder: claimed by the caller; empty unless `resume`.
        predictor: whose predictions they are.
        record: of the command, with its spacing and coverage.
        overlays: whether to save the image beside its overlay.
        masks: whether to save the predicted masks.
        resume: go on after the rows that the folder holds.

    Attributes:
        folder: that holds the files.
        done: sources of the images that have a row.
        labels: number of rows of each class.
        flags: number of rows with each flag.
        failed: messages about images that cannot be read; the caller adds them.

    Raises:
        RunError: to resume, but the folder holds no predictions, or some of another model or other settings.
    """

    def __init__(
        self,
        folder: Path,
        predictor: Predictor,
        record: Record,
        *,
        overlays: bool = False,
        masks: bool = False,
        resume: bool = False,
    ) -> None:
        self.folder, self.failed = folder, list[str]()
        self._card, self._record, self._overlays, self._masks = predictor.card, record, overlays, masks
        record.add(
            model_sha256=predictor.sha256,
            split_hash=predictor.card.training.split_hash,
            providers=list(predictor.providers),
            overlays=overlays,
            masks=masks,
            resumed=resume,
            finished=False,
        )
        if resume:
            check_same(folder, record, _SAME)
        self.done, self.labels, self.flags = set[str](), Counter[str](), Counter[str]()
        self._lines = JsonLines(folder / ROWS)
        for row in self._lines.rows():
            self._count(row)
        record.write(folder, RECORD)

    def __enter__(self) -> PredictionFiles:
        self._lines.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lines.close()
        if kind is None:
            self._finish()
        else:
            with contextlib.suppress(OSError):  # the first error is the one to report
                self._finish(finished=False)

    def add(self, prediction: Prediction, number: int) -> str:
        """Write one prediction; its row is complete on the disk when this returns.

        Args:
            prediction: of any image.
            number: of the image, which begins the names of its files.

        Returns:
            Its row, as JSON in one line, with the paths of overlay and mask from the folder.
        """
        row = prediction.to_dict()
        name = f"{number:04d}_{Path(prediction.source).stem}"
        if self._overlays:
            row["overlay"] = f"overlays/{name}_{re.sub(r'[^-.A-Za-z0-9_]', '_', prediction.label)}.png"
            _save_overlay(prediction, self.folder / row["overlay"])
        if self._masks and prediction.mask is not None:
            row["mask"] = f"masks/{name}.png"
            save_png(Image.fromarray(prediction.mask * 255), self.folder / row["mask"])
        line = self._lines.add(row)
        self._count(row)
        return line

    def _count(self, row: dict[str, Any]) -> None:
        self.done.add(row["source"])
        self.labels[row["label"]] += 1
        self.flags["out of distribution"] += bool(row["ood"])
        self.flags["uncertain"] += bool(row["abstains"]) and not row["ood"]
        self.flags["classification and segmentation disagree"] += row["consistent"] is False

    def _finish(self, *, finished: bool = True) -> None:
        """Write predictions.csv and run.json, each whole or not at all."""
        with (
            atomic_write(self.folder / TABLE) as part,
            part.open("w", newline="", encoding="utf-8", errors=SURROGATES) as stream,
        ):
            table = csv.writer(stream, lineterminator="\n")
            probabilities = [f"p_{name}" for name in self._card.classes]
            segmentation = _SEGMENTATION if self._card.segments else ()
            table.writerow(["source", "label", *probabilities, *_RELIABILITY, "overlay", *segmentation])
            table.writerows(map(self._cells, self._lines.rows()))
        self._record.add(done=len(self.done), failed=self.failed, finished=finished, outputs=[ROWS, TABLE])
        self._record.write(self.folder, RECORD)

    def _cells(self, row: dict[str, Any]) -> list[Any]:
        """One row of predictions.csv."""
        cells = [row["source"], row["label"], *(row["probabilities"][name] for name in self._card.classes)]
        cells += [*_reliability_cells(row), row.get("overlay", "")]
        if self._card.segments:
            cells += [row["tumor"]["pixels"], row["tumor"]["mm2"], row["consistent"], row.get("mask", "")]
            cells += [row["tumor"]["lesions"], *_lesion_cells(row["tumor"]["largest"])]
        return cells


def check_same(folder: Path, record: Record, names: Sequence[str]) -> None:
    """Refuse to resume predictions of another model or other settings.

    Args:
        folder: with the record of the interrupted call.
        record: of this call.
        names: of the facts that must be the same.

    Raises:
        RunError: the folder holds no predictions, or a fact differs.
    """
    try:
        before = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        before = {}
    if not isinstance(before, dict) or before.get("verb") != "predict":
        raise RunError(file=folder, found="no predictions to resume", expected="the folder of an interrupted predict")
    now = json.loads(json.dumps({name: record.facts.get(name) for name in names}))
    if different := [f"{k} was {before.get(k)}, is {now[k]}" for k in names if before.get(k) != now[k]]:
        raise RunError(
            file=folder,
            found=f"predicted with other settings ({'; '.join(different)})",
            advice="resume with those, or choose another folder",
        )


def _save_overlay(prediction: Prediction, path: Path) -> None:
    """Save the image beside its overlay, in a frame with the flags where there are some, above the notice."""
    both = side_by_side([overlay(prediction.gray), prediction.overlay()])
    title = "; ".join([prediction.label, *prediction.flags])
    save_overlay(marked(both, title) if prediction.flags else both, path)


def _reliability_cells(row: dict[str, Any]) -> list[Any]:
    """The cells of `_RELIABILITY`; empty where the model has no such output. Classes of a set are separated by bars."""
    prediction_set = row["prediction_set"]
    known = ["" if row[name] is None else row[name] for name in ("ood", "ood_score")]
    return [*known, "" if prediction_set is None else "|".join(prediction_set), row["abstains"]]


def _lesion_cells(largest: dict[str, Any] | None) -> list[Any]:
    """The cells of `_LARGEST_LESION`; empty for an empty mask."""
    if not largest:
        return [""] * len(_LARGEST_LESION)
    lines = [largest[name][unit] for name in ("diameter", "perpendicular") for unit in ("pixels", "mm")]
    return [*lines, *largest["centroid"], largest["side"]]
