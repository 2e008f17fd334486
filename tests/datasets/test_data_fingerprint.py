"""The fingerprint of the data: equal for equal images and labels only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import scans, tiny_datasets
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import MaskLocation, Table, fingerprint, open_table
from tumorlens.errors import DataError


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return open_table(tiny_datasets.figshare_csv(tmp_path / "one"))


def test_the_fingerprint_does_not_depend_on_the_folder(table: Table, tmp_path: Path) -> None:
    assert fingerprint(open_table(tiny_datasets.figshare_csv(tmp_path / "other"))) == fingerprint(table)
    assert len(fingerprint(table)) == 32


def test_splits_masks_and_patients_do_not_change_the_fingerprint(table: Table) -> None:
    rows = tuple(replace(s, split="train", mask=None, group=None) for s in table.samples)
    assert fingerprint(replace(table, samples=rows)) == fingerprint(table)


def test_masks_change_the_fingerprint_on_request(table: Table) -> None:
    with_masks = fingerprint(table, masks=True)
    assert with_masks != fingerprint(table)
    first, *rest = table.samples
    assert first.mask is not None
    for mask in (None, MaskLocation(first.mask, dihedral=4).path):
        changed = replace(table, samples=(replace(first, mask=mask), *rest))
        assert fingerprint(changed, masks=True) != with_masks
    scans.save(first.mask, np.flipud(scans.MASK))
    assert fingerprint(table, masks=True) != with_masks


def test_a_changed_image_label_or_id_changes_the_fingerprint(table: Table) -> None:
    first, *rest = table.samples
    before = fingerprint(table)
    for change in ({"label": "pituitary"}, {"id": "figshare/0"}):
        assert fingerprint(replace(table, samples=(replace(first, **change), *rest))) != before
    assert fingerprint(replace(table, samples=tuple(rest))) != before
    scans.save(first.image, np.flipud(scans.GRAY))
    assert fingerprint(table) != before


def test_a_missing_image_is_an_error_that_names_it(table: Table) -> None:
    table.samples[2].image.unlink()
    with assert_refused(DataError, file=table.samples[2].image.name, found=r"cannot be read \(No such file"):
        fingerprint(table)
