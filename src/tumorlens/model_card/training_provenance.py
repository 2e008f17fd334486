"""The training section of a model card: data, split, network, settings and seed, as far as the run recorded them."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from tumorlens.datasets import SplitPlan
from tumorlens.datasets.data_records import AllowedLeak, MaskUse, RecordPart, SampleCount


class NetworkRecord(RecordPart):
    """The architecture and its preprocessing of gray values.

    Attributes:
        summary: one line.
        citation: the papers.
        channels: 1 or 3.
        mean: subtracted from gray values in [0, 1], one for each channel.
        std: divisor after that.
        dropout: before the classifier; None for the architecture's own.
        options: of the architecture.
    """

    summary: str = ""
    citation: str = ""
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    dropout: float | None = None
    options: Mapping[str, JsonValue] = {}


class DatasetRecord(RecordPart):
    """A data set in the training table, and how much of it was used.

    Attributes:
        name: of the set.
        used: its images in the table.
        summary: one line, as the other attributes only for a public set that tumorlens knows.
        images: in the original release; None where it varies.
        patients: in the original release; None where unknown.
        license: of the images.
        citation: whom to cite.
        homepage: address of the original.
        problems: known problems, one sentence each.
    """

    name: str
    used: SampleCount
    summary: str | None = None
    images: int | None = None
    patients: int | None = None
    license: str | None = None
    citation: str | None = None
    homepage: str | None = None
    problems: tuple[str, ...] = ()


class TrainingProvenance(RecordPart):
    """How a model was trained. Every key may be missing: older cards hold fewer.

    Attributes:
        recipe: name of the recipe.
        seed: of weights, order, augmentation and dropout.
        pretrained: origin of the initial weights, or ``"none"``.
        data: name of the table.
        data_fingerprint: hash of its images and labels.
        split: how the split was made; None where nobody vouches for it.
        split_hash: SHA-256 of the split.
        counts: subset -> images and patients.
        classes: subset -> class -> images and patients.
        notes: facts about the table, one sentence each.
        masks: reference masks; None where training read none.
        leaks: leaks that were allowed; empty where the check found none, None where it was not made.
        epochs_trained: number of epochs.
        epoch_kept: the epoch whose weights were kept, counted from 1.
        validation: metrics of that epoch on the validation subset.
        device: where it was trained.
        settings: all values of the recipe.
        network: the architecture.
        datasets: the data sets in the table.
    """

    recipe: str | None = None
    seed: int | None = None
    pretrained: str | None = None
    data: str | None = None
    data_fingerprint: str | None = None
    split: SplitPlan | None = None
    split_hash: str | None = None
    counts: Mapping[str, SampleCount] = {}
    classes: Mapping[str, Mapping[str, SampleCount]] = {}
    notes: tuple[str, ...] = ()
    masks: MaskUse | None = None
    leaks: tuple[AllowedLeak, ...] | None = None
    epochs_trained: int | None = None
    epoch_kept: int | None = None
    validation: Mapping[str, float] = {}
    device: str | None = None
    settings: Mapping[str, JsonValue] = {}
    network: NetworkRecord | None = None
    datasets: tuple[DatasetRecord, ...] = ()
