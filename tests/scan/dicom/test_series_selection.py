"""Which series is T1 after contrast: by tags, with a reason, and never by guess."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import Dataset

from tests.fixtures.hard_case import images, save
from tumorlens.datasets.phantom.phantom_study import phantom_study
from tumorlens.scan.dicom.read_stacks import read_stacks
from tumorlens.scan.dicom.series_selection import SeriesVerdict, choose, verdicts


def verdict(change: Callable[[Dataset], object], folder: Path) -> SeriesVerdict:
    """Of the T1 after contrast of a phantom, with changed headers."""
    series = images()
    for image in series:
        change(image)
    (judged,) = verdicts(read_stacks(save(series, folder)).stacks)
    return judged


def test_of_a_study_the_t1_after_contrast_is_chosen_and_each_other_has_its_reason(tmp_path: Path) -> None:
    stacks = read_stacks(phantom_study(tmp_path / "study", slices=6, size=32)).stacks
    judged = verdicts(stacks)
    reasons = {(int(s.header.SeriesNumber), s.split_by): v for s, v in zip(stacks, judged, strict=True)}
    assert {v.use for (number, _), v in reasons.items() if number in (3, 8)} == {"yes"}
    assert {number for (number, _), v in reasons.items() if v.use == "yes"} == {3, 8}
    assert reasons[2, ()].use == "unknown"
    expected = {1: "localizer", 4: "T2", 5: "FLAIR", 7: "CT"}
    for number, word in expected.items():
        assert all(v.use == "no" and word in v.reason for (n, _), v in reasons.items() if n == number), number
    assert all(v.use == "no" for (n, _), v in reasons.items() if n == 6)
    chosen = choose(stacks, judged)
    assert chosen is not None
    assert stacks[chosen].header.SeriesNumber == 3
    others = [(s, v) for s, v in zip(stacks, judged, strict=True) if v.use != "yes"]
    assert choose([s for s, _ in others], [v for _, v in others]) is None


@pytest.mark.parametrize(
    ("tags", "use", "word"),
    [
        ({"Modality": "CT"}, "no", "CT"),
        ({"BodyPartExamined": "KNEE"}, "no", "knee"),
        ({"BodyPartExamined": ""}, "yes", "T1"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MIP"]}, "no", "projection"),
        ({"SeriesDescription": "T1 SUB"}, "no", "subtraction"),
        ({"SeriesDescription": "sub-01_T1w"}, "yes", "after"),
        ({"SeriesDescription": "3D TOF post"}, "no", "angiography"),
        ({"SeriesDescription": "ep2d_diff_3scan"}, "no", "diffusion"),
        ({"ScanningSequence": "EP"}, "no", "echo-planar"),
        ({"EchoTime": 90, "RepetitionTime": 4000}, "no", "T2"),
        ({"InversionTime": 2500, "EchoTime": 120, "RepetitionTime": 9000}, "no", "FLAIR"),
        ({"SeriesDescription": "t1_tse FLAIR KM", "InversionTime": 860, "RepetitionTime": 2000}, "yes", "T1"),
        ({"ScanningSequence": "GR", "EchoTime": 2.5, "RepetitionTime": 1900, "InversionTime": 900}, "yes", "T1"),
        ({"ScanningSequence": "GR", "EchoTime": 20, "RepetitionTime": 600}, "unknown", "neither"),
        ({"ContrastBolusAgent": "", "SeriesDescription": "t1_mpr +C"}, "yes", "after"),
        ({"ContrastBolusAgent": "", "SeriesDescription": "T1 SE w/o contrast"}, "no", "without"),
        ({"ContrastBolusAgent": "", "SeriesDescription": "T1 pre contrast"}, "no", "without"),
        ({"ContrastBolusAgent": "", "SeriesDescription": "Ax T1"}, "unknown", "nothing says"),
        ({"ContrastBolusAgent": "", "SeriesDescription": "T1 post-op"}, "unknown", "nothing says"),
        ({"ContrastBolusAgent": "", "SeriesDescription": "pre-op T1 Gd"}, "yes", "after"),
        ({"ContrastBolusAgent": "", "SeriesDescription": "T1 post no fatsat"}, "yes", "after"),
        ({"ContrastBolusAgent": "", "SeriesDescription": "T1 tra nativ"}, "no", "without"),
        ({"ContrastBolusAgent": "", "SeriesDescription": "T1 non-contrast"}, "no", "without"),
        ({"ContrastBolusAgent": "", "SeriesDescription": "T1 sag CE"}, "yes", "after"),
        ({"ContrastBolusAgent": "NONE", "SeriesDescription": "Ax T1"}, "unknown", "nothing says"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else value,
)
def test_tags_decide(tags: dict[str, object], use: str, word: str, tmp_path: Path) -> None:
    def change(image: Dataset) -> None:
        for keyword, value in tags.items():
            setattr(image, keyword, value)

    found = verdict(change, tmp_path)
    assert (found.use, word in found.reason) == (use, True), found


def test_a_series_without_tags_is_unknown(tmp_path: Path) -> None:
    def strip(image: Dataset) -> None:
        for keyword in ("EchoTime", "RepetitionTime", "SeriesDescription", "ContrastBolusAgent"):
            delattr(image, keyword)

    found = verdict(strip, tmp_path)
    assert found.use == "unknown"
    assert found.contrast is None


def test_of_several_candidates_the_regular_one_with_most_slices_is_chosen(tmp_path: Path) -> None:
    few, many = images()[:6], images()
    for image in few:
        image.SeriesInstanceUID += ".1"
        image.SeriesNumber, image.SeriesTime = 1, "230000"
        image.SOPInstanceUID += ".1"
    stacks = read_stacks(save([*few, *many], tmp_path)).stacks
    judged = verdicts(stacks)
    assert [v.use for v in judged] == ["yes", "yes"]
    chosen = choose(stacks, judged)
    assert chosen is not None
    assert len(stacks[chosen].frames) == len(many)
    crooked = [replace(s, irregular="irregular") if len(s.frames) == len(many) else s for s in stacks]
    assert choose(crooked, judged) != chosen
