"""Images are matched to the slices of a reference set, also after common alterations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fixtures.altered_copies import KINDS
from tests.fixtures.refusal import assert_refused
from tumorlens.auditing.duplicates.image_records import read_image_records
from tumorlens.auditing.provenance.reference_index import (
    ReferenceIndex,
    build_index,
    match_sources,
    misnamed_files,
    shipped_indexes,
)
from tumorlens.datasets import Sample, Table, open_table
from tumorlens.datasets.phantom import make
from tumorlens.errors import DataError
from tumorlens.scan.dihedral import DIHEDRAL_NAMES


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return open_table(make(tmp_path_factory.mktemp("reference") / "hospital", patients=6, slices=3, size=192))


@pytest.fixture(scope="module")
def index(source: Table) -> ReferenceIndex:
    return build_index(source, name="hospital")


def test_an_index_has_slices_patients_and_labels_also_after_saving_and_loading(
    source: Table, index: ReferenceIndex, tmp_path: Path
) -> None:
    index.save(tmp_path / "index.npz")
    loaded = ReferenceIndex.load(tmp_path / "index.npz")
    assert (loaded.name, len(loaded)) == ("hospital", len(source))
    assert loaded.labels == tuple(s.label for s in source.samples)
    assert loaded.patients == tuple((s.group or "").partition(":")[2] for s in source.samples)
    np.testing.assert_array_equal(loaded.coarse, index.coarse)
    np.testing.assert_array_equal(loaded.fine, index.fine)


@pytest.mark.parametrize("kind", KINDS)
def test_altered_copies_match_their_source(kind: str, source: Table, index: ReferenceIndex, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    paths = []
    for i, sample in enumerate(source.samples[::3]):
        copy = KINDS[kind](np.asarray(Image.open(sample.image)), random)
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(np.ascontiguousarray(copy)).save(paths[-1])
    found = match_sources(read_image_records(paths), index)
    assert [match.slice for match in found] == [index.slices[i] for i in range(0, len(source), 3)]
    assert [match.patient for match in found] == [index.patients[i] for i in range(0, len(source), 3)]
    if kind == "mirrored":
        assert {DIHEDRAL_NAMES[match.transform] for match in found} == {"mirrored left to right"}


def test_external_images_match_no_source(index: ReferenceIndex, tmp_path: Path) -> None:
    other = open_table(make(tmp_path / "other", patients=6, slices=2, size=160, seed=7))
    records = read_image_records([s.image for s in other.samples])
    assert match_sources(records, index) == []
    for shipped in shipped_indexes():
        assert match_sources(records, shipped) == []
    assert match_sources([], index) == []


def test_the_shipped_index_covers_figshare() -> None:
    (shipped,) = shipped_indexes()
    assert (shipped.name, len(shipped)) == ("figshare", 3064)
    assert set(shipped.labels) == {"glioma", "meningioma", "pituitary"}
    assert len(set(shipped.patients)) == 209


@pytest.mark.parametrize("content", [None, b"", b"no index", b"PK\x03\x04"])
def test_a_file_that_is_no_index_gives_one_clear_error(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "index.npz"
    if content is not None:
        path.write_bytes(content)
    with assert_refused(DataError, file=r"index\.npz$", expected=".*tumorlens index"):
        ReferenceIndex.load(path)


def test_a_folder_without_a_readable_image_cannot_be_indexed(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"broken")
    with assert_refused(DataError, found="none of its 1 images can be indexed"):
        build_index(Table("t", (Sample("t/a", path, "x"),), ("x",)))


def test_building_an_index_reports_its_progress(source: Table) -> None:
    steps: list[tuple[str, int, int | None]] = []
    build_index(source, progress=lambda *step: steps.append(step))
    assert steps == [("reading images", i + 1, len(source)) for i in range(len(source))]


def test_a_file_named_after_another_slice_is_reported(source: Table, index: ReferenceIndex, tmp_path: Path) -> None:
    numbered = ReferenceIndex("n", tuple(map(str, range(18))), index.patients, index.labels, index.coarse, index.fine)
    samples = []
    for i, sample in enumerate(source.samples):
        path = tmp_path / f"{5 if i == 4 else i}_copy{i}.png"
        path.write_bytes(sample.image.read_bytes())
        samples.append(Sample(f"t/{i:02d}", path, sample.label))
    table = Table("t", tuple(samples), source.classes)
    found = misnamed_files(table, match_sources(read_image_records([s.image for s in table.samples]), numbered))
    assert [(match.slice, number) for match, number in found] == [("4", "5")]
