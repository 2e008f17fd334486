"""Slices of one volume are never duplicates of each other; slices of a copied volume are, one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.fixtures import nifti_folders
from tumorlens.auditing.duplicates.image_clusters import ImageClusters, different_volumes
from tumorlens.auditing.duplicates.image_records import read_image_records
from tumorlens.auditing.duplicates.near_duplicates import find_duplicates
from tumorlens.datasets import open_table


def test_a_cluster_never_holds_two_slices_of_a_volume_not_even_through_others() -> None:
    clusters = ImageClusters([{"a"}, {"a"}, (), {"b"}, {"b"}])
    assert clusters.merge(0, 2)
    assert not clusters.merge(1, 2)
    assert clusters.merge(2, 3)
    assert not clusters.merge(4, 2)
    assert not clusters.merge(3, 0)
    assert clusters.smallest_members() == [0, 1, 0, 0, 4]


def test_a_cluster_is_named_by_its_smallest_member() -> None:
    clusters = ImageClusters([()] * 5)
    for pair in ((4, 2), (2, 1)):
        clusters.merge(*pair)
    assert clusters.smallest_members() == [0, 1, 1, 3, 1]


def test_pairs_of_one_volume_are_left_out() -> None:
    first, second = np.array([0, 0, 1, 2]), np.array([1, 2, 3, 3])
    assert different_volumes(["a", "a", None, None], first, second).tolist() == [False, True, True, True]


def test_each_slice_of_a_copied_volume_is_a_duplicate_of_its_own_slice(tmp_path: Path) -> None:
    for name in ("a", "b"):
        volume = nifti_folders.phantom()
        thick = np.repeat(volume.voxels, 2, axis=0)  # neighbors that are equal
        nifti_folders.save(tmp_path / f"{name}.nii.gz", thick, volume)
    table = open_table(tmp_path, unannotated="keep")
    records = read_image_records([s.image for s in table])
    found = find_duplicates(records, volumes=[s.volume for s in table])
    assert sorted(map(len, found.clusters)) == [2] * (len(table) // 2)
    assert found.pair_counts()["bytes"] == 0
    for cluster in found.clusters:
        assert len({table[i].volume for i in cluster}) == 2
