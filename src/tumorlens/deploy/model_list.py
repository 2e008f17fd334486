"""Folders and files -> the models that can predict: those that come with tumorlens, and model files; without torch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tumorlens.deploy.predictor import load
from tumorlens.deploy.shipped import SHIPPED_MODELS
from tumorlens.errors import ModelFileError

MOST_FILES = 200
"""The largest number of model files that are looked for."""
_DEPTH = 6  # folders below the one that is searched; a fold of a cross-validation lies four below the working folder
_RUNS = Path("runs")


@dataclass(frozen=True)
class ListedModel:
    """A model that can predict.

    Attributes:
        name: what `tumorlens.load` and ``--model`` take: a name, or the path of a model file.
        classes: class names in output order.
        segments: whether it segments tumors.
        bytes: size of the file.
        network: its architecture.
        description: what it does, or what it was trained and tested on.
    """

    name: str
    classes: tuple[str, ...]
    segments: bool
    bytes: int
    network: str
    description: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class ModelList:
    """The models that were found.

    Attributes:
        models: those that come with tumorlens, then model files in order.
        unusable: for each other .onnx file, why it cannot predict.
        complete: whether every file was looked at; no more than `MOST_FILES` are.
    """

    models: tuple[ListedModel, ...]
    unusable: tuple[ModelFileError, ...]
    complete: bool


def list_models(places: Sequence[Path] = ()) -> ModelList:
    """The models that come with tumorlens, and the model files in some places.

    Args:
        places: model files, and folders, searched with all below them; by default ``runs`` in the working folder, and
            the .onnx files beside it.

    Example:
        >>> from tumorlens.deploy.model_list import list_models
        >>> [model.name for model in list_models().models][:2]
        ['default', 'tiny']
    """
    models = [_listed(name, SHIPPED_MODELS[name]) for name in SHIPPED_MODELS]
    unusable: list[ModelFileError] = []
    files = _files(places) if places else _files_nearby()
    for path in islice(files, MOST_FILES):
        try:
            models.append(_listed(str(path)))
        except ModelFileError as error:
            unusable.append(error)
    return ModelList(tuple(models), tuple(unusable), next(files, None) is None)


def _listed(name: str, description: str = "") -> ListedModel:
    """Open a model.

    Raises:
        ModelFileError: the file cannot predict.
    """
    predictor = load(name, threads=1)
    card = predictor.card
    size = predictor.path.stat().st_size
    return ListedModel(name, card.classes, card.segments, size, card.model, description or card.tested_on)


def _files_nearby() -> Iterator[Path]:
    """The model files in the working folder, and in the runs in it."""
    yield from sorted(Path().glob("*.onnx"))
    if _RUNS.is_dir():
        yield from _below(_RUNS)


def _files(places: Sequence[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            yield from _below(place)
        else:
            yield place


def _below(folder: Path) -> Iterator[Path]:
    """The .onnx files in a folder and below it, in order; links to folders are not followed."""
    for root, folders, names in os.walk(folder):
        inner = Path(root)
        deep = len(inner.relative_to(folder).parts) >= _DEPTH
        folders[:] = [] if deep else sorted(name for name in folders if not name.startswith("."))
        yield from (inner / name for name in sorted(names) if name.endswith(".onnx"))
