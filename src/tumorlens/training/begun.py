"""May a run begin in this folder, or go on in it? A resumed run must be the one that was begun."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tumorlens._record import write_json
from tumorlens.datasets import Table, fingerprint
from tumorlens.errors import RunError
from tumorlens.training.recipe import Recipe
from tumorlens.training.run import RECORD, WEIGHTS

BEGUN = "begun.json"


@dataclass(frozen=True)
class Identity:
    """All that decides the weights a run ends with.

    Attributes:
        recipe: every value of it, as plain data.
        seed: of weights, order, augmentation and dropout.
        split: the table's split hash.
        data: the table's fingerprint.
        masks: that of images and masks together, where the run needs masks.
    """

    recipe: dict[str, Any]
    seed: int
    split: str
    data: str
    masks: str | None = None

    @classmethod
    def of(cls, table: Table, recipe: Recipe, seed: int, *, masks: bool) -> Identity:
        """The identity of a run about to begin; reads every image, and every mask where those count."""
        drawn = fingerprint(table, masks=True) if masks else None
        return cls(recipe.model_dump(mode="json"), seed, table.split_hash, fingerprint(table), drawn)

    def write(self, folder: Path) -> None:
        """Mark the folder as begun."""
        write_json(asdict(self), folder / BEGUN)


def check_folder(folder: Path, resume: bool) -> None:
    """See that there is a run to resume, or that there is none to overwrite.

    Raises:
        RunError: the contrary.
    """
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder}: is a file; expected the name of a new folder")
    if resume and not (folder / BEGUN).is_file():
        raise RunError(f"{folder}: {BEGUN} not found, so there is nothing to resume; train without --resume")
    if not resume and any((folder / name).exists() for name in (BEGUN, WEIGHTS, RECORD)):
        raise RunError(f"{folder}: holds a run already; go on with --resume, or name another folder")


def check_same(folder: Path, identity: Identity) -> None:
    """See that the run to resume is the one that was begun.

    Raises:
        RunError: recipe, seed, split or data differ; says which value of which key.
    """
    begun = dict(_flat(_begun(folder)))
    now = dict(_flat(asdict(identity)))
    differ = [f"{k} was {begun.get(k)}, is {now.get(k)}" for k in now | begun if begun.get(k) != now.get(k)]
    if differ:
        raise RunError(
            f"{folder}: begun otherwise than it is to be resumed ({'; '.join(differ)}); "
            "resume with what it was begun with, or name another folder"
        )


def _begun(folder: Path) -> dict[str, Any]:
    """What the run was begun with; a key that recipes came later has the value that means what was done then."""
    begun: dict[str, Any] = json.loads((folder / BEGUN).read_text(encoding="utf-8"))
    with suppress(ValidationError):  # a key that is gone since is a difference
        begun["recipe"] = Recipe.model_validate(begun["recipe"]).model_dump(mode="json")
    return begun


def _flat(data: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested keys as dotted ones."""
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
