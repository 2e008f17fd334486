"""Slices of volumes are trained on like images: by patient, with their plane and position, images and masks alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.fixtures import nifti_folders
from tumorlens.auditing import split_folds
from tumorlens.datasets import open_table, read_sample_mask
from tumorlens.models import Preprocessing
from tumorlens.models.registry import HALF
from tumorlens.scan import InputGeometry, read_scan
from tumorlens.training import load_recipe, train
from tumorlens.training.image_cache import cached_images, cached_masks


def test_a_run_on_volumes_keeps_patients_in_one_subset_and_knows_where_slices_are(tmp_path: Path) -> None:
    table = open_table(nifti_folders.patients(tmp_path, ("glioma", "meningioma"), 4))
    split = split_folds(table, folds=2, val=0.3)
    subsets = {name: {s.patient for s in split if s.split == name} for name in ("train", "val", "test")}
    assert all(subsets.values())
    assert not subsets["train"] & subsets["test"]
    assert not subsets["train"] & subsets["val"]
    run = train(split, load_recipe("demo", ["input.size=32", "batch_size=4", "epochs=1"]), tmp_path / "run")
    trained = run.table()
    assert [s.origin for s in trained] == [s.origin for s in split]
    assert all(s.origin and s.origin.position is not None and s.origin.plane == "axial" for s in trained)
    assert run.record.outputs


def test_cached_images_and_masks_are_those_of_the_slices(tmp_path: Path) -> None:
    table = open_table(nifti_folders.patients(tmp_path, ("glioma",), 2))
    preprocessing = Preprocessing(InputGeometry(nifti_folders.SIZE), 1, HALF, HALF)
    images, masks = cached_images(table, preprocessing), cached_masks(table, preprocessing)
    assert masks.known.all()
    for i, sample in enumerate(table):
        assert np.array_equal(images[i], read_scan(sample.image).gray_slice())
        assert np.array_equal(masks.arrays[i], read_sample_mask(sample))
