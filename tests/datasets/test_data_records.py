"""What records keep of the training data: counts, and only the keys that were given."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from tumorlens.datasets import Sample
from tumorlens.datasets.data_records import MaskCounts, MaskUse, SampleCount
from tumorlens.model_card.training_provenance import TrainingProvenance
from tumorlens.training.run_record import RunRecord


def test_samples_are_counted_with_their_known_patients() -> None:
    groups = ("set:a", "set:a", "set:b", None, "copies:set/0.png")
    samples = [Sample(f"set/{i}.png", Path("x.png"), "glioma", group=group) for i, group in enumerate(groups)]
    assert SampleCount.of(samples) == SampleCount(images=5, patients=2)
    assert SampleCount.of([]) == SampleCount(images=0, patients=0)


def test_a_key_that_was_not_given_stays_out_of_the_json() -> None:
    masks = MaskUse(fingerprint="abc", train=MaskCounts(own=1, empty=2, none=3))
    assert masks.segmented
    assert masks.model_dump() == {"fingerprint": "abc", "train": {"own": 1, "empty": 2, "none": 3}}
    assert MaskUse.model_validate(masks.model_dump()) == masks


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError):
        SampleCount.model_validate({"images": 1, "patients": 1, "pictures": 1})


@pytest.mark.parametrize("record", [RunRecord, TrainingProvenance])
def test_the_record_of_a_run_and_its_card_hold_the_same_types(record: type[RunRecord | TrainingProvenance]) -> None:
    annotations = {name: str(record.model_fields[name].annotation) for name in ("counts", "masks", "leaks")}
    assert "data_records.SampleCount" in annotations["counts"]
    assert "data_records.MaskUse" in annotations["masks"]
    assert "data_records.AllowedLeak" in annotations["leaks"]
