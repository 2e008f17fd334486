"""A BIDS folder: subjects are patients, T1w after contrast is used, masks come from derivatives."""

from __future__ import annotations

from pathlib import Path

from tests.fixtures import nifti_folders
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import open_table
from tumorlens.errors import DataError


def volume(folder: Path, subject: str, rest: str, seed: int = 0, *, session: str = "") -> Path:
    parts = [f"sub-{subject}", *([f"ses-{session}"] if session else [])]
    path = folder.joinpath(*parts, "anat", f"{'_'.join(parts)}_{rest}.nii.gz")
    nifti_folders.save_pair(path, seed=seed)
    return path


def mask(folder: Path, subject: str, rest: str, *, session: str = "") -> None:
    parts = [f"sub-{subject}", *([f"ses-{session}"] if session else [])]
    path = folder.joinpath("derivatives", "masks", *parts, "anat", f"{'_'.join(parts)}_{rest}.nii.gz")
    phantom = nifti_folders.phantom()
    nifti_folders.save(path, phantom.mask, phantom)


def test_volumes_after_contrast_are_used_with_the_masks_of_lesions(tmp_path: Path) -> None:
    volume(tmp_path, "01", "ce-gadolinium_T1w")
    volume(tmp_path, "01", "T1w")
    volume(tmp_path, "01", "FLAIR")
    mask(tmp_path, "01", "label-tumor_mask")
    mask(tmp_path, "01", "desc-brain_mask")
    table = open_table(tmp_path)
    assert set(table.volumes) == {f"{tmp_path.name}/sub-01/anat/sub-01_ce-gadolinium_T1w.nii.gz"}
    assert {s.group for s in table} == {f"{tmp_path.name}:sub-01"}
    assert {s.label for s in table} == {"tumor", "no_tumor"}
    assert all(
        s.acquisition and s.acquisition.contrast and s.acquisition.sequence == "T1 after contrast" for s in table
    )
    for reason in ("T1w without contrast", "another kind than T1w", "no mask of a lesion"):
        assert sum(f"1 file left out: {reason}" in note or reason in note for note in table.notes) == 1


def test_sessions_have_their_own_masks(tmp_path: Path) -> None:
    for session in ("pre", "post"):
        volume(tmp_path, "01", "T1w", session=session)
    mask(tmp_path, "01", "lesion_mask", session="post")
    table = open_table(tmp_path, unannotated="ignore")
    assert {s.origin.study for s in table if s.origin} == {"sub-01_ses-post"}
    assert any("no T1w states contrast" in note for note in table.notes)


def test_a_folder_whose_volumes_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sub-1" / "anat" / "sub-1_T1w.nii.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no volume")
    with assert_refused(DataError, found="no T1w volume can be used", expected="T1w.nii.gz"):
        open_table(tmp_path)
