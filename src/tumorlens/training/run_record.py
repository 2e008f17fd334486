"""run.json of a training run -> a typed record: data, split, settings, machine, and what validation showed."""

from __future__ import annotations

from typing import Any, Literal

from tumorlens.datasets import SplitPlan
from tumorlens.datasets.data_records import AllowedLeak, MaskUse, RecordPart, SampleCount

RUN_RECORD_VERSION = 1
"""Of run.json in the folder of a training run."""


class RunRecord(RecordPart):
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
    counts: dict[str, SampleCount]
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
        return self.model_dump(mode="json")
