"""Sets of slices without a tumor, each with a row in slices.csv."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.fixtures import tiny_datasets
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import AcquisitionFacts, open_table, read_table, write_table
from tumorlens.datasets.sets import muslim_ms, open_ms, soop
from tumorlens.errors import DataError


def slice_folder(folder: Path, header: str, rows: list[str]) -> Path:
    """A folder with an image for each row of slices.csv, named by its first column."""
    tiny_datasets.class_folders(folder, {"images": len(rows)})
    for number, row in enumerate(rows):
        (folder / "images" / f"{number}.png").rename(folder / "images" / f"{row.split(',')[0]}.png")
    (folder / "slices.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder


SOOP = ("image,patient,plane,lesion_pixels", ["sub-1_axial,sub-1,axial,12", "sub-1_coronal,sub-1,coronal,0"])
OPEN_MS = (
    "image,patient,sequence,plane,index",
    ["patient01_study1_FLAIR_ax_003,patient01,FLAIR,axial,3", "patient02_study2_T1W_ax_010,patient02,T1,axial,10"],
)
MUSLIM_MS = (
    'image,"patient code (first three digits, inferred)",sequence,mask_pixels',
    ["t1_103014,103,T1,778", "flair_105006,105,FLAIR,9"],
)


@pytest.mark.parametrize(
    ("name", "content", "patients", "acquisition"),
    [
        ("soop", SOOP, {"soop:sub-1"}, AcquisitionFacts("axial", "FLAIR", contrast=False, skull_stripped=True)),
        (
            "open_ms",
            OPEN_MS,
            {"open_ms:patient01", "open_ms:patient02"},
            AcquisitionFacts("axial", "FLAIR", None, False),
        ),
        ("muslim_ms", MUSLIM_MS, {"muslim_ms:103", "muslim_ms:105"}, AcquisitionFacts(None, "FLAIR", None, False)),
    ],
)
def test_a_named_set_is_read_with_its_patients_and_acquisition(
    tmp_path: Path, name: str, content: tuple[str, list[str]], patients: set[str], acquisition: AcquisitionFacts
) -> None:
    table = open_table(f"{name}:{slice_folder(tmp_path / 'any', *content)}")
    assert (table.name, table.classes, {s.group for s in table}) == (name, ("no_tumor",), patients)
    assert not any(s.mask for s in table)  # lesions that are no tumors: the mask of a tumor is empty
    assert acquisition in {s.acquisition for s in table}
    assert any("count as no_tumor" in note for note in table.notes)


def test_what_is_known_of_the_acquisition_survives_a_csv_file(tmp_path: Path) -> None:
    table = open_table(f"soop:{slice_folder(tmp_path / 'set', *SOOP)}")
    assert read_table(write_table(table, tmp_path / "table.csv")) == table
    assert not table.volumes  # the volume of a slice is not known


@pytest.mark.parametrize("module", [soop, open_ms, muslim_ms])
def test_other_names_or_columns_are_another_set(tmp_path: Path, module: object) -> None:
    recognizes = module.DATASET.recognizes  # type: ignore[attr-defined]
    assert not recognizes(tmp_path)
    assert not recognizes(slice_folder(tmp_path / "a", "image,patient,plane", ["ward1_axial,1,axial"]))
    assert not recognizes(slice_folder(tmp_path / "b", "image,who", ["sub-1_axial,1"]))


def test_a_folder_is_taken_for_a_set_only_with_as_many_images(tmp_path: Path) -> None:
    """Slices of someone else may be called alike, and show tumors."""
    folder = slice_folder(tmp_path / "set", *SOOP)
    assert not soop.DATASET.recognizes(folder)
    assert replace(soop.FOLDER, images=2).recognizes(folder)
    (folder / "slices.csv").write_text("\n".join([SOOP[0], *SOOP[1], "ward_axial,1,axial,0"]) + "\n")
    assert not replace(soop.FOLDER, images=3).recognizes(folder)


def test_a_folder_of_another_set_is_refused_also_by_name(tmp_path: Path) -> None:
    folder = slice_folder(tmp_path / "set", *OPEN_MS)
    with assert_refused(DataError, file="slices.csv", line=2, found="not of soop", expected="sub-"):
        open_table(f"soop:{folder}")
    with assert_refused(DataError, file="absent", found="no slices.csv"):
        open_table(f"soop:{tmp_path / 'absent'}")


def test_a_missing_image_or_patient_is_refused_with_its_line(tmp_path: Path) -> None:
    folder = slice_folder(tmp_path / "set", *SOOP)
    (folder / "images" / "sub-1_axial.png").unlink()
    with assert_refused(DataError, file="slices.csv", line=2, found="sub-1_axial does not exist"):
        soop.DATASET.read(folder)
    with assert_refused(DataError, found="has no patient"):
        soop.DATASET.read(slice_folder(tmp_path / "two", SOOP[0], ["sub-1_axial,,axial,1"]))
    with assert_refused(DataError, found="no slices.csv"):
        soop.DATASET.read(tmp_path)
