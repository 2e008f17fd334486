"""Masks find their volumes by the names of files, in the habits of the field."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from tumorlens.datasets.formats.nifti_names import NamedSequence, pair_names, sequence_of

BRATS = [f"BraTS-GLI-00001-000/BraTS-GLI-00001-000-{part}.nii.gz" for part in ("t1n", "t1c", "t2w", "t2f", "seg")]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.nii.gz", "a_mask.nii.gz", "b.nii", "b_seg.nii"], [("a.nii.gz", "a_mask.nii.gz"), ("b.nii", "b_seg.nii")]),
        (["p1-label.nii.gz", "p1.nii.gz"], [("p1.nii.gz", "p1-label.nii.gz")]),
        (["01/Pre_Mask.nii.gz", "01/Pre_Scan_T1.nii.gz"], [("01/Pre_Scan_T1.nii.gz", "01/Pre_Mask.nii.gz")]),
        (["images/a.nii", "masks/a.nii"], [("images/a.nii", "masks/a.nii")]),
        (["images/a_mask1.nii", "labels/a_mask1.nii"], [("images/a_mask1.nii", "labels/a_mask1.nii")]),
        (
            ["imagesTr/N_001_0000.nii.gz", "labelsTr/N_001.nii.gz", "imagesTs/N_002_0000.nii.gz"],
            [("imagesTr/N_001_0000.nii.gz", "labelsTr/N_001.nii.gz"), ("imagesTs/N_002_0000.nii.gz", None)],
        ),
        (BRATS, [(BRATS[1], BRATS[4])]),
        (["x/t1.nii", "x/seg.nii"], [("x/t1.nii", "x/seg.nii")]),
        (["a1.nii", "a10.nii", "a1_seg.nii"], [("a1.nii", "a1_seg.nii"), ("a10.nii", None)]),
        (["a.nii", "a_b.nii", "a_mask.nii", "a_b_mask.nii"], [("a.nii", "a_mask.nii"), ("a_b.nii", "a_b_mask.nii")]),
    ],
)
def test_a_mask_finds_its_volume(names: list[str], expected: list[tuple[str, str | None]]) -> None:
    pairs, _ = pair_names(map(PurePosixPath, names))
    assert [(str(pair.image), pair.mask and str(pair.mask)) for pair in pairs] == expected


def test_what_is_left_out_is_counted() -> None:
    names = ["lonely_mask.nii", "a.nii", "a_brain_mask.nii", "b_t2.nii", "b_dwi.nii", "b_seg.nii", *BRATS]
    pairs, left_out = pair_names(map(PurePosixPath, names))
    assert len(pairs) == 2
    assert dict(left_out) == {
        "a mask without a volume": 1,
        "a mask of the brain, not of a tumor": 1,
        "several volumes of one mask, and no name says which is T1 after contrast": 2,
        "another sequence of a head whose T1 after contrast is in the table": 3,
    }


def test_edema_does_not_count_in_the_labels_of_brats() -> None:
    older = [f"B/BraTS20_Training_001_{part}.nii.gz" for part in ("t1", "t1ce", "t2", "flair", "seg")]
    for names, labels in ((BRATS, (1, 3)), (older, (1, 4))):
        ((pair,), _) = pair_names(map(PurePosixPath, names))
        assert (pair.mask_labels, pair.sequence.contrast) == (labels, True)


def test_channels_of_nnunet_are_named_by_dataset_json() -> None:
    names = ["imagesTr/a_0000.nii.gz", "imagesTr/a_0001.nii.gz", "labelsTr/a.nii.gz"]
    pairs, left_out = pair_names(map(PurePosixPath, names), {"0": "FLAIR", "1": "T1ce"})
    assert [str(pair.image) for pair in pairs] == ["imagesTr/a_0001.nii.gz"]
    assert sum(left_out.values()) == 1
    assert pair_names(map(PurePosixPath, names))[0] == []


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("x_t1ce", NamedSequence("T1 after contrast", True)),
        ("x-t1gd", NamedSequence("T1 after contrast", True)),
        ("x_T1_post", NamedSequence("T1 after contrast", True)),
        ("x_t1", NamedSequence("T1")),
        ("x_T1w", NamedSequence("T1")),
        ("x-t1n", NamedSequence("T1", False)),
        ("x-t2f", NamedSequence("FLAIR")),
        ("x_t2", NamedSequence("T2")),
        ("at1", NamedSequence()),
    ],
)
def test_a_name_says_the_sequence(stem: str, expected: NamedSequence) -> None:
    assert sequence_of(stem) == expected
