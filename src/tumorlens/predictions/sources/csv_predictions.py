"""CSV file with one row per image -> probabilities of classes, or predicted classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from tumorlens._arrays import Floats
from tumorlens.datasets import Table
from tumorlens.datasets.classes import HEALTHY
from tumorlens.datasets.formats.class_folders import class_name
from tumorlens.datasets.formats.csv_rows import CsvRow, read_rows
from tumorlens.errors import DataError
from tumorlens.evaluation.evaluation_facts import Given, PredictionSource
from tumorlens.evaluation.tool_predictions import TUMOR, Predictions
from tumorlens.predictions.image_index import ImageIndex
from tumorlens.predictions.prediction_request import PredictionReader, PredictionRequest

IMAGE_COLUMNS = ("id", "image", "image_id", "image_path", "path", "file", "filename", "file_name", "source")
CLASS_COLUMNS = ("predicted", "prediction", "predicted_class", "predicted_label", "pred")
_AMBIGUOUS = ("label", "class")
_KNOWN = ("glioma", "meningioma", "pituitary", "no_tumor", TUMOR)
_SUM = 1e-3  # by which the probabilities of an image may differ from 1
_Rows = list[tuple[int, CsvRow]]


def read(request: PredictionRequest) -> Predictions:
    """The predictions of a CSV file; probabilities are preferred where it also has the predicted class.

    Raises:
        DataError: a column is missing or may be several things, a class is unknown, or a value is no probability.
    """
    path, table = request.path, request.table
    rows = read_rows(path, ())
    if not rows:
        raise DataError(file=path, found="no row", expected="one row for each image")
    columns = list(rows[0][1])
    image = _image_column(path, columns)
    scores = _score_columns(path, columns, table)
    given: Given = "probabilities" if scores else "classes"
    predicted = None if scores else _class_column(path, columns)
    positions, surplus = _positions(request, rows, image)
    read_columns = {image, *scores.values(), predicted}
    kept = [(positions[i], line, row) for i, (line, row) in enumerate(rows) if i in positions]
    if scores:
        classes = _ordered(scores, table)
        values = np.array([_scores(path, line, row, [scores[name] for name in classes]) for _, line, row in kept])
    else:
        assert predicted is not None
        classes, values = _one_hot(path, kept, predicted, table)
    order = np.argsort([position for position, _, _ in kept])
    answered = [kept[i][0] for i in order]
    missing = [sample.id for i, sample in enumerate(table.samples) if i not in set(answered)]
    request.check(missing, surplus)
    return Predictions(
        name=path.stem,
        table=replace(table, samples=tuple(table.samples[i] for i in answered)),
        classes=classes,
        probabilities=values[order],
        masks=(),
        source=PredictionSource(
            kind="csv",
            given=given,
            masks=False,
            files={path.name: sha256(path.read_bytes()).hexdigest()},
            ignored_columns=tuple(name for name in columns if name not in read_columns),
            images_without_prediction=len(missing),
            predictions_without_image=len(surplus),
        ),
    )


def _image_column(path: Path, columns: Sequence[str]) -> str:
    found = [name for name in IMAGE_COLUMNS if name in columns]
    if found:
        return found[0]
    raise DataError(
        file=path,
        found=f"no column with the image among {list(columns)}",
        expected=f"one of {', '.join(IMAGE_COLUMNS)}",
        advice="rename the column with the path or the id of the image",
    )


def _score_columns(path: Path, columns: Sequence[str], table: Table) -> dict[str, str]:
    """Class -> its column: one that is called like a class, also behind p_ or prob_."""
    known, found = {*table.classes, *_KNOWN}, dict[str, str]()
    for column in columns:
        bare = next(
            (column.removeprefix(mark) for mark in ("p_", "prob_", "probability_") if column.startswith(mark)), column
        )
        name = _class_of(bare, table)
        if name not in known or column in IMAGE_COLUMNS:
            continue
        if name in found:
            raise DataError(
                file=path,
                found=f"columns '{found[name]}' and '{column}' for class {name}",
                expected="one for each class",
            )
        found[name] = column
    if len(found) == 1:
        raise DataError(
            file=path,
            found=f"a probability of {next(iter(found))} alone, among columns {list(columns)}",
            expected=f"one column for each class of {list(table.classes)}, or one column '{CLASS_COLUMNS[0]}'",
        )
    if found and (absent := sorted({sample.label for sample in table.samples} - set(found))) and absent != [TUMOR]:
        raise DataError(
            file=path,
            found=f"no column for {', '.join(absent)} among {list(columns)}",
            expected=f"one column for each class of {list(table.classes)}",
        )
    return found


def _class_column(path: Path, columns: Sequence[str]) -> str:
    found = [name for name in CLASS_COLUMNS if name in columns]
    if found:
        return found[0]
    unclear = [name for name in _AMBIGUOUS if name in columns]
    raise DataError(
        file=path,
        found=f"column '{unclear[0]}', which may be the true or the predicted class"
        if unclear
        else f"neither probabilities nor a predicted class among columns {list(columns)}",
        expected=f"one column for each class, or one of {', '.join(CLASS_COLUMNS)}",
        advice=f"rename it to {CLASS_COLUMNS[0]} if the tool predicted it" if unclear else None,
    )


def _positions(request: PredictionRequest, rows: _Rows, column: str) -> tuple[dict[int, int], list[str]]:
    """Number of a row -> position of its image, and the names that no image has."""
    index, positions, surplus, lines = ImageIndex(request.table.samples), {}, [], dict[int, int]()
    for i, (line, row) in enumerate(rows):
        position = index.find(row[column]) if row[column] else None
        if position is None:
            surplus.append(row[column])
        elif position in lines:
            raise DataError(
                file=request.path,
                line=line,
                found=f"a second prediction for {request.table.samples[position].id}, after line {lines[position]}",
                expected="one row for each image",
            )
        else:
            positions[i], lines[position] = position, line
    return positions, surplus


def _scores(path: Path, line: int, row: CsvRow, columns: Sequence[str]) -> list[float]:
    values = []
    for column in columns:
        try:
            value = float(row[column])
        except ValueError:
            value = math.nan
        if not 0 <= value <= 1:
            raise DataError(
                file=path,
                line=line,
                found=f"'{row[column]}' in column '{column}'",
                expected="a probability from 0 to 1",
                advice="apply softmax to logits first, and divide percentages by 100",
            )
        values.append(value)
    if abs(sum(values) - 1) > _SUM:
        raise DataError(
            file=path,
            line=line,
            found=f"probabilities that sum to {sum(values):.4f} in columns {list(columns)}",
            expected="1",
            advice="check that each class has its column",
        )
    return values


def _one_hot(
    path: Path, kept: Sequence[tuple[int, int, CsvRow]], column: str, table: Table
) -> tuple[tuple[str, ...], Floats]:
    known, names = {*table.classes, *_KNOWN}, []
    for _, line, row in kept:
        name = _class_of(row[column], table)
        if name not in known:
            raise DataError(
                file=path,
                line=line,
                found=f"class '{row[column]}' in column '{column}'",
                expected=f"one of {list(table.classes)}",
            )
        names.append(name)
    classes = _ordered(dict.fromkeys([*table.classes, *names]), table)
    return classes, np.eye(len(classes))[[classes.index(name) for name in names]].reshape(-1, len(classes))


def _class_of(text: str, table: Table) -> str:
    """The class that a name means: spelled like class folders, and any name of the class without tumor."""
    name = class_name(text)
    if name.endswith("_tumor") and name.removesuffix("_tumor") in {*table.classes, *_KNOWN}:
        return name.removesuffix("_tumor")  # glioma_tumor, as in the folders of some sets
    healthy = [one for one in (*table.classes, "no_tumor") if one in HEALTHY]
    return healthy[0] if name in HEALTHY else name


def _ordered(names: dict[str, str] | dict[str, None], table: Table) -> tuple[str, ...]:
    """The classes of the table first, in its order."""
    return (*(name for name in table.classes if name in names), *(name for name in names if name not in table.classes))


SOURCE = PredictionReader(
    "a CSV file with one row for each image",
    lambda request: request.path.suffix.lower() == ".csv" and request.path.is_file(),
    read,
)
