"""Facts of volumes: slices, sequence, and whether skull and face are there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from tests.fixtures import nifti_folders
from tumorlens.auditing import audit
from tumorlens.auditing.volume_facts import VolumeFacts, find_volume_facts
from tumorlens.datasets import open_table
from tumorlens.datasets.phantom.phantom_volume import render_volume


def facts(folder: Path) -> dict[str, VolumeFacts]:
    table = open_table(folder, unannotated="keep")
    groups = [str(s.group) for s in table]
    return {one.volume.rpartition("/")[2]: one for one in find_volume_facts(table, groups, {})}


def test_a_volume_without_skull_is_told_from_one_with_it(tmp_path: Path) -> None:
    volume = render_volume("no_tumor", seed=3, slices=9, gap=12.0, size=128)
    nifti_folders.save(tmp_path / "whole_T1w.nii.gz", volume.voxels, volume)
    rows, columns = np.mgrid[-1:1:128j, -1:1:128j]
    brain = np.zeros(volume.voxels.shape)
    for i in range(len(brain)):
        inside = ndimage.binary_fill_holes(volume.voxels[i] > 400)
        depth = ndimage.distance_transform_edt(inside)
        brain[i] = np.where(depth > 14, 1500 + 100 * np.sin(20 * rows) * np.cos(20 * columns), 0)
    nifti_folders.save(tmp_path / "bare_T1w.nii.gz", brain, volume)
    found = facts(tmp_path)
    assert found["whole_T1w.nii.gz"].skull_stripped is False
    assert found["bare_T1w.nii.gz"].skull_stripped is True
    assert found["whole_T1w.nii.gz"].sequence == "T1"


def test_names_of_files_say_what_was_removed(tmp_path: Path) -> None:
    for name in ("a_t1ce_defaced", "b_skull_stripped_t1ce", "c"):
        nifti_folders.save_pair(tmp_path / f"{name}.nii.gz")
    found = facts(tmp_path)
    assert [found[f"{name}.nii.gz"].defaced for name in ("a_t1ce_defaced", "c")] == [True, None]
    assert found["b_skull_stripped_t1ce.nii.gz"].skull_stripped is True
    assert found["c.nii.gz"].slices == 8


def test_the_report_holds_the_facts_and_groups_volumes(tmp_path: Path) -> None:
    for seed in range(2):
        nifti_folders.save_pair(tmp_path / f"{seed}.nii.gz", tmp_path / f"{seed}_mask.nii.gz", seed=seed)
    report = audit(open_table(tmp_path), shortcuts=False)
    assert [one["slices"] for one in report.to_dict()["volumes"]] == [8, 8]
    assert len(set(report.groups)) == 2
    assert report.n_duplicates == 0
