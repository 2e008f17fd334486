"""Images are traced back to the slices of a known set, however they were changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fixtures.altered_copies import KINDS
from tumorlens.auditing.duplicates.image_records import read_image_records
from tumorlens.auditing.provenance.reference_index import ReferenceIndex, build_index, match_sources, misnamed_files, shipped_indexes
from tumorlens.datasets import Sample, Table, open_table
from tumorlens.datasets.phantom import make
from tumorlens.errors import DataError
from tumorlens.scan.dihedral import DIHEDRAL_NAMES


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return open_table(make(tmp_path_factory.mktemp("known") / "hospital", patients=6, slices=3, size=192))


@pytest.fixture(scope="module")
def index(source: Table) -> ReferenceIndex:
    return build_index(source, name="hospital")


def test_an_index_holds_slices_patients_and_labels_and_survives_a_file(
    source: Table, index: ReferenceIndex, tmp_path: Path
) -> None:
    index.save(tmp_path / "index.npz")
    again = ReferenceIndex.load(tmp_path / "index.npz")
    assert (again.name, len(again)) == ("hospital", len(source))
    assert again.labels == tuple(s.label for s in source.samples)
    assert again.patients == tuple((s.group or "").partition(":")[2] for s in source.samples)
    np.testing.assert_array_equal(again.coarse, index.coarse)
    np.testing.assert_array_equal(again.fine, index.fine)


@pytest.mark.parametrize("kind", KINDS)
def test_copies_of_every_kind_are_traced(kind: str, source: Table, index: ReferenceIndex, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    paths = []
    for i, sample in enumerate(source.samples[::3]):
        copy = KINDS[kind](np.asarray(Image.open(sample.image)), random)
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(np.ascontiguousarray(copy)).save(paths[-1])
    found = match_sources(read_image_records(paths), index)
    assert [t.slice for t in found] == [index.slices[i] for i in range(0, len(source), 3)]
    assert [t.patient for t in found] == [index.patients[i] for i in range(0, len(source), 3)]
    if kind == "mirrored":
        assert {DIHEDRAL_NAMES[t.transform] for t in found} == {"mirrored left to right"}


def test_images_from_elsewhere_are_not_traced(index: ReferenceIndex, tmp_path: Path) -> None:
    other = open_table(make(tmp_path / "other", patients=6, slices=2, size=160, seed=7))
    seen = read_image_records([s.image for s in other.samples])
    assert match_sources(seen, index) == []
    for known in shipped_indexes():
        assert match_sources(seen, known) == []
    assert match_sources([], index) == []


def test_the_shipped_index_is_that_of_figshare() -> None:
    (known,) = shipped_indexes()
    assert (known.name, len(known)) == ("figshare", 3064)
    assert set(known.labels) == {"glioma", "meningioma", "pituitary"}
    assert len(set(known.patients)) == 209


@pytest.mark.parametrize("content", [None, b"", b"no index", b"PK\x03\x04"])
def test_what_is_no_index_is_one_clear_error(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "index.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"index\.npz: .*tumorlens audit index"):
        ReferenceIndex.load(path)


def test_a_folder_without_a_readable_image_cannot_be_indexed(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"broken")
    with pytest.raises(DataError, match="none of its 1 images can be indexed"):
        build_index(Table("t", (Sample("t/a", path, "x"),), ("x",)))


def test_a_file_named_after_another_slice_is_told(source: Table, index: ReferenceIndex, tmp_path: Path) -> None:
    numbered = ReferenceIndex("n", tuple(map(str, range(18))), index.patients, index.labels, index.coarse, index.fine)
    samples = []
    for i, sample in enumerate(source.samples):
        place = tmp_path / f"{5 if i == 4 else i}_copy{i}.png"
        place.write_bytes(sample.image.read_bytes())
        samples.append(Sample(f"t/{i:02d}", place, sample.label))
    table = Table("t", tuple(samples), source.classes)
    found = misnamed_files(table, match_sources(read_image_records([s.image for s in table.samples]), numbered))
    assert [(t.slice, claim) for t, claim in found] == [("4", "5")]
