"""Samples -> what records keep of the training data: counts of images, patients and masks, and allowed leaks.

run.json of a training run and the model card hold the same types; a card is read where torch is not installed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from tumorlens.datasets.table import Sample


class RecordPart(BaseModel):
    """A part of a record. A key that was not given reads as its default, and stays out of the JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_serializer(mode="wrap")
    def _only_given(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in serialize(self).items() if name in self.model_fields_set}


class SampleCount(RecordPart):
    """Number of images, and of the patients that are known among them."""

    images: int
    patients: int

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> SampleCount:
        """Count samples and their patients."""
        patients = [sample.patient for sample in samples]
        return cls(images=len(patients), patients=len(set(filter(None, patients))))


class MaskCounts(RecordPart):
    """Number of images by kind of reference mask.

    Attributes:
        own: with a mask of their own.
        empty: without a tumor, and so with an empty mask.
        none: without a mask, though they may show a tumor.
    """

    own: int
    empty: int
    none: int


class MaskUse(RecordPart):
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


class AllowedLeak(RecordPart):
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
