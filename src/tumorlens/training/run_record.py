"""run.json of a training run -> a typed record: data, split, settings, machine, and what validation showed."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from tumorlens.datasets import SplitPlan

RUN_RECORD_VERSION = 1
"""Of run.json in the folder of a training run."""


class _RecordPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SubsetSize(_RecordPart):
    """Number of images in a subset, and of the patients that are known among them."""

    images: int
    patients: int

    def to_dict(self) -> dict[str, int]:
        """Plain data for JSON."""
        return self.model_dump()


class MaskCounts(_RecordPart):
    """Number of images by kind of reference mask.

    Attributes:
        own: with a mask of their own.
        empty: without a tumor, and so with an empty mask.
        none: without a mask, though they may show a tumor.
    """

    own: int
    empty: int
    none: int


class MaskUse(_RecordPart):
    """The reference masks that a run was trained with.

    Attributes:
        fingerprint: of images and masks together.
        segmented: whether the network learned to segment; else the masks only guided its class activation maps, or
            marked the lesions that augmentation moved.
        train: counts of the training subset.
        val: counts of the validation subset; None where there is none.
    """

    fingerprint: str
    segmented: bool = True
    train: MaskCounts | None = None
    val: MaskCounts | None = None


class AllowedLeak(_RecordPart):
    """A leak with which training went on because of ``--allow-leak``.

    Attributes:
        subset: ``"val"`` or ``"test"``.
        by: ``"duplicate"`` or ``"patient"``.
        images: number of images of the subset that leak from train.
        of: number of images in the subset.
    """

    subset: str
    by: str
    images: int
    of: int


class RunRecord(_RecordPart):
    """What training wrote into run.json.

    Attributes:
        schema_version: version of this layout.
        verb: ``"train"``.
        started: date and time, ISO 8601, UTC.
        command: the command line.
        versions: of tumorlens, Python and the packages that can change a number.
        seed: of weights, order, augmentation and dropout.
        resumed: whether training was interrupted and resumed.
        seconds: by step, and ``"total"``.
        pretrained: origin of the initial weights, or ``"none"``.
        device: where it was trained.
        data: name of the table.
        data_fingerprint: of its images and labels.
        split_hash: of its split.
        split: how the split was made; None where that is not known.
        counts: subset -> images and patients.
        masks: reference masks; None where training needed none.
        empty_masks: ids of the train and val images that have a tumor class and an empty mask.
        notes: facts about the data, one sentence each.
        recipe: name of the recipe.
        precision: ``"bf16"`` or ``"float32"``.
        batch_size: images in a training step.
        threads: of the CPU.
        outputs: names of the files in the run's folder.
        prior_correction: what was added to the logit of the healthy class; None without that step.
        epochs_trained: number of epochs.
        epoch_kept: the epoch whose weights were kept, counted from 1.
        validation: metrics of that epoch on the validation subset.
        images_per_second: median over the epochs.
        leaks: leaks that were allowed.
    """

    schema_version: Literal[1]
    verb: str
    started: str
    command: tuple[str, ...]
    versions: dict[str, str]
    seed: int
    resumed: bool
    seconds: dict[str, float]
    pretrained: str
    device: str
    data: str
    data_fingerprint: str
    split_hash: str
    split: SplitPlan | None
    counts: dict[str, SubsetSize]
    masks: MaskUse | None
    empty_masks: tuple[str, ...] = ()
    notes: tuple[str, ...]
    recipe: str
    precision: Literal["bf16", "float32"]
    batch_size: int
    threads: int
    outputs: tuple[str, ...]
    prior_correction: float | None = None
    epochs_trained: int
    epoch_kept: int
    validation: dict[str, float]
    images_per_second: float
    leaks: tuple[AllowedLeak, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, with the keys that the file has."""
        return self.model_dump(mode="json", exclude_unset=True)
