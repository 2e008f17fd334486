"""The page says what was found, shows it, and survives whatever the data brings."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fixtures import scans
from tests.fixtures.leaky_dataset import BYTES, MIRRORED, make_leaky_dataset
from tests.report.test_page import HOSTILE, Page
from tumorlens.auditing import AuditReport, IntegrityIssue, NearestNeighborAccuracy, Shortcut, audit, build_index
from tumorlens.auditing.duplicates.perceptual_hash import transformed
from tumorlens.auditing.page.audit_page import audit_page, level
from tumorlens.auditing.page.contact_sheets import LONGEST, Kinship, inverse, small, spread, turn_image
from tumorlens.auditing.page.image_sections import LISTED
from tumorlens.datasets import Table, open_table, open_tables
from tumorlens.scan.dihedral import DIHEDRAL_NAMES
from tumorlens.stats import Estimate

LEAKED = BYTES + MIRRORED + 1


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Table:
    from tumorlens.datasets.phantom import make

    return open_table(make(tmp_path_factory.mktemp("heads") / "heads", patients=12, slices=2, size=128, seed=4))


@pytest.fixture(scope="module")
def leaky_dataset(heads: Table, tmp_path_factory: pytest.TempPathFactory) -> AuditReport:
    """The leaky set, with an index of the phantoms it was made of, in which their patients are named."""
    place = tmp_path_factory.mktemp("leaky")
    build_index(heads, name="atlas").save(place / "atlas.npz")
    return audit(
        open_table(make_leaky_dataset(place / "set", heads)), reference_indexes=[place / "atlas.npz"], shortcuts=False
    )


@pytest.fixture(scope="module")
def sound(heads: Table) -> AuditReport:
    return audit(heads.where(lambda s: s.label != "no_tumor"), reference_indexes=[], shortcuts=False)


def section(document: str, title: str) -> str:
    """The words of one section, as a browser shows them."""
    parts = re.findall(r"<section.*?</section>", document, re.DOTALL)
    return next(Page(part).text for part in parts if f">{title}</h2>" in part)


def images(document: str) -> list[Image.Image]:
    found = re.findall(r'src="data:image/jpeg;base64,([^"]*)"', document)
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in found]


def test_the_page_begins_with_the_verdict_and_its_figures(leaky_dataset: AuditReport) -> None:
    words = section(audit_page(leaky_dataset), "The verdict")
    assert words.startswith(f"The verdict Warning. {leaky_dataset.verdict}")
    assert f"{LEAKED} of {len(leaky_dataset.table.subset('test'))}" in words
    assert "--write-split" in words


def test_leaks_are_counted_by_part_kind_and_class_and_shown_in_pairs(leaky_dataset: AuditReport) -> None:
    document = audit_page(leaky_dataset)
    words = section(document, "Leaks")
    leak = next(leak for leak in leaky_dataset.leaks if leak.by == "duplicate")
    assert f"{LEAKED} of {leak.rate.n} test images have a duplicate in train: {leak.rate.percent()}" in words
    assert f"test a copy {LEAKED} of {leak.rate.n} {leak.rate.percent()} {BYTES + 1} 0 {MIRRORED}" in words
    assert "test · pituitary: test/pituitary/mirrored-0.png" in words
    assert "right one shown mirrored left to right" in words


def test_a_pair_is_turned_so_that_both_look_alike(leaky_dataset: AuditReport) -> None:
    samples = leaky_dataset.table.samples
    mirrored = next(i for i, s in enumerate(samples) if s.image.name == "mirrored-0.png")
    kinship = Kinship(leaky_dataset)
    duplicate = kinship.copy_in_train(mirrored)
    assert duplicate is not None
    image = np.asarray(kinship.copies(mirrored, duplicate).image.convert("L"), dtype=float)
    left, right = image[:, :128], image[:, -128:]
    assert np.corrcoef(left.ravel(), right.ravel())[0, 1] > 0.99


def test_copies_that_no_pair_links_are_laid_alike_too(leaky_dataset: AuditReport) -> None:
    mirrored = next(i for i, s in enumerate(leaky_dataset.table.samples) if s.image.name == "mirrored-0.png")
    linked = leaky_dataset.duplicates.pairs
    duplicate = Kinship(leaky_dataset).copy_in_train(mirrored)
    assert duplicate is not None
    unlinked = Kinship(replace(leaky_dataset, duplicates=replace(leaky_dataset.duplicates, pairs=())))
    turn, similarity = unlinked.relation(mirrored, duplicate)
    assert linked
    assert DIHEDRAL_NAMES[turn] == "mirrored left to right"
    assert similarity > 0.98


def test_sources_name_sets_patients_and_flips(leaky_dataset: AuditReport) -> None:
    words = section(audit_page(leaky_dataset), "Known source")
    readable = len(leaky_dataset.table) - 1
    assert f"{readable} of {len(leaky_dataset.table)} images are 24 slices of atlas, of 12 patients" in words
    assert f"mirrored left to right {MIRRORED}" in words


def test_a_leak_by_patient_shows_another_image_of_the_patient(leaky_dataset: AuditReport) -> None:
    kinship = Kinship(leaky_dataset)
    leak = next(leak for leak in leaky_dataset.leaks if leak.by == "patient")
    for i in leak.samples:
        other = kinship.patient_in_train(i)
        assert other is not None
        assert kinship.patients[other] == kinship.patients[i]
        assert leaky_dataset.duplicates.cluster_ids[other] != leaky_dataset.duplicates.cluster_ids[i]


def test_a_conflict_shows_both_labels(leaky_dataset: AuditReport) -> None:
    words = section(audit_page(leaky_dataset), "Label conflicts")
    assert "test · glioma: test/glioma/misfiled.png train · meningioma: train/meningioma/" in words
    assert "is meningioma" in words


def test_damage_names_the_file_from_the_folder_of_the_data(leaky_dataset: AuditReport) -> None:
    words = section(audit_page(leaky_dataset), "Damage")
    assert " train/no_tumor/broken.png " in words


def test_a_section_that_found_nothing_says_that_it_looked(sound: AuditReport) -> None:
    document = audit_page(replace(sound, integrity=()))
    for title in ("Copies", "Known source", "Label conflicts", "Damage"):
        assert section(document, title).startswith(f"{title} Looked"), title
    assert "no train part" in section(document, "Leaks")
    assert "Not measured" in section(document, "Shortcuts")
    assert level(replace(sound, integrity=())) == "ok"
    assert "Good." in section(document, "The verdict")


def test_shortcuts_are_told_in_words_and_neighbors_with_their_numbers(sound: AuditReport) -> None:
    share = Estimate(0.9, 0.85, 0.95, 24, 12, "group", "bootstrap")
    found = replace(
        sound,
        shortcuts=(Shortcut("file size", "bytes of the file", share, 0.4, share, "glioma and pituitary"),),
        nearest_neighbor=(NearestNeighborAccuracy("test", share, None, share),),
    )
    words = section(audit_page(found), "Shortcuts")
    assert "From file size alone the class can be told with a balanced accuracy of 90.0 % (85.0 to 95.0)" in words
    assert "guessing gives 33 %" in words
    assert "test 90.0 % (85.0 to 95.0), n = 24 – 90.0 %" in words


def test_long_lists_are_cut_and_the_rest_is_counted(sound: AuditReport) -> None:
    items = tuple((Path(f"mask-{i:03d}.png"), "empty") for i in range(LISTED + 20))
    words = section(
        audit_page(replace(sound, integrity=(IntegrityIssue("mask-empty", "Many.", "warning", items),))), "Damage"
    )
    assert f"mask-{LISTED - 1:03d}.png" in words
    assert f"mask-{LISTED:03d}.png" not in words
    assert "and 20 more" in words


def test_several_sets_are_compared_with_each_other(heads: Table, tmp_path: Path) -> None:
    for name, count in (("one", 6), ("two", 4)):
        for number, sample in enumerate(heads.samples[:count]):
            scans.save(tmp_path / name / sample.label / f"{number}.png", np.asarray(Image.open(sample.image)))
    found = audit(open_tables([tmp_path / "one", tmp_path / "two"]), reference_indexes=[], shortcuts=False)
    words = section(audit_page(found), "Copies")
    assert "one (6) 0 of 6 (0.0 %) 4 of 6 (66.7 %) two (4) 4 of 4 (100.0 %) 0 of 4 (0.0 %)" in words


def test_the_page_is_small_valid_and_loads_nothing(leaky_dataset: AuditReport) -> None:
    document = audit_page(leaky_dataset)
    parsed = Page(document)
    assert all((a.get("src") or "data:image/").startswith("data:image/") for _, a in parsed.tags)
    assert all(image.height <= LONGEST for image in images(document))
    assert len(document) < 500_000


def test_files_that_went_away_leave_the_page_whole(leaky_dataset: AuditReport, tmp_path: Path) -> None:
    gone = tuple(replace(look, path=tmp_path / "gone.png") for look in leaky_dataset.image_records)
    document = audit_page(replace(leaky_dataset, image_records=gone))
    assert Page(document).tags
    assert len(images(document)) == len(images(audit_page(leaky_dataset)))


def test_a_hostile_name_is_shown_as_text(leaky_dataset: AuditReport) -> None:
    samples = tuple(replace(s, id=f"set/{HOSTILE} {i:03d}") for i, s in enumerate(leaky_dataset.table.samples))
    parsed = Page(audit_page(replace(leaky_dataset, table=replace(leaky_dataset.table, samples=samples))))
    assert "script" not in {tag for tag, _ in parsed.tags}
    assert "alert(1)" in parsed.text


@pytest.mark.parametrize("turn", range(len(DIHEDRAL_NAMES)))
def test_a_turn_and_its_inverse_undo_each_other_as_on_drawings(turn: int) -> None:
    gray = np.arange(64 * 64).reshape(64, 64).astype(np.uint8)
    image = turn_image(Image.fromarray(gray), turn)
    assert np.array_equal(np.asarray(image), transformed(gray, turn))
    assert np.array_equal(np.asarray(turn_image(image, inverse(turn))), gray)


def test_a_image_is_reduced_and_an_unreadable_one_replaced(tmp_path: Path) -> None:
    scans.save(tmp_path / "wide.png", np.zeros((100, 400), dtype=np.uint8))
    assert small(tmp_path / "wide.png").size == (LONGEST, LONGEST // 4)
    assert small(tmp_path / "missing.png").size == (LONGEST, LONGEST)


def test_spread_brings_every_kind_early() -> None:
    assert spread(range(6), lambda i: "aaabbc"[i]) == [0, 3, 5, 1, 4, 2]
