"""Run folder + settings -> may training start or resume there? Only the run that was started can be resumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from tumorlens._record import write_json
from tumorlens.datasets import Table, fingerprint
from tumorlens.errors import ResultsFolderError, RunError
from tumorlens.training.recipe import Recipe

STARTED = "started.json"
"""Written before the first epoch: everything that decides the final weights."""


class TrainingStart(BaseModel):
    """Everything that decides the final weights of a run; the content of started.json.

    Attributes:
        schema_version: version of this layout.
        recipe: all its values, as plain data.
        seed: of weights, order, augmentation and dropout.
        split_hash: of the table's split.
        data_fingerprint: of the table's images.
        mask_fingerprint: of images and masks together; None where the run needs no masks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    recipe: dict[str, JsonValue]
    seed: int
    split_hash: str
    data_fingerprint: str
    mask_fingerprint: str | None = None

    @classmethod
    def of(cls, table: Table, recipe: Recipe, seed: int, *, masks: bool) -> TrainingStart:
        """The start of a new run; reads every image, and every mask where the run needs masks."""
        return cls(
            recipe=recipe.model_dump(mode="json"),
            seed=seed,
            split_hash=table.split_hash,
            data_fingerprint=fingerprint(table),
            mask_fingerprint=fingerprint(table, masks=True) if masks else None,
        )

    @classmethod
    def read(cls, folder: Path) -> TrainingStart:
        """The start of the run in a folder; a recipe key that is newer than the run gets its default.

        Raises:
            RunError: the file is damaged.
        """
        try:
            start = cls.model_validate_json((folder / STARTED).read_bytes())
        except ValidationError as error:
            raise RunError(
                file=folder / STARTED,
                found=f"is damaged ({error.errors()[0]['msg']})",
                expected="the file that training writes before its first epoch",
                advice="train anew in another folder",
            ) from None
        with suppress(ValidationError):  # a key that no longer exists is a difference
            recipe = Recipe.model_validate(start.recipe).model_dump(mode="json")
            start = start.model_copy(update={"recipe": recipe})
        return start

    def write(self, folder: Path) -> None:
        """Mark the folder as that of a started run."""
        write_json(self.model_dump(mode="json"), folder / STARTED)


def check_resumable(folder: Path, resume: bool) -> None:
    """Check that there is a run to resume; where not to resume, that there is none that could be.

    Raises:
        RunError: nothing to resume.
        ResultsFolderError: a run was started in this folder.
    """
    started = (folder / STARTED).is_file()
    if resume and not started:
        raise RunError(
            file=folder, found=f"{STARTED} not found, so there is nothing to resume", advice="train without --resume"
        )
    if started and not resume:
        raise ResultsFolderError(
            file=folder,
            found="a run was started in this folder",
            expected="a new or an empty folder",
            advice="continue it with --resume, or choose another folder",
        )


def check_same_start(folder: Path, start: TrainingStart) -> None:
    """Check that the run to resume is the one that was started.

    Raises:
        RunError: recipe, seed, split or data differ; lists each key with both values.
    """
    before = dict(_flat(TrainingStart.read(folder).model_dump(mode="json")))
    now = dict(_flat(start.model_dump(mode="json")))
    differences = [f"{k} was {before.get(k)} and is {now.get(k)}" for k in now | before if before.get(k) != now.get(k)]
    if differences:
        raise RunError(
            file=folder,
            found=f"other settings than training was started with ({', '.join(differences)})",
            expected="the same settings to resume it",
            advice="resume with those it was started with, or choose another folder",
        )


def _flat(values: Mapping[str, JsonValue], prefix: str = "") -> Iterator[tuple[str, JsonValue]]:
    """Nested keys as dotted ones."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
