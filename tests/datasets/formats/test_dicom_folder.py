"""A folder of DICOM files becomes a table: series and study as hashes, patients without their numbers, nothing lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest

from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import Table, open_table
from tumorlens.datasets.formats.dicom_folder import short_hash
from tumorlens.datasets.phantom.phantom_study import STUDY_SERIES, phantom_study
from tumorlens.errors import DataError
from tumorlens.scan import read_scan

T1_POST, FLAIR = STUDY_SERIES[2], STUDY_SERIES[4]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dicom") / "study"
    return phantom_study(folder, slices=6, gap=15.0, size=48, series=(T1_POST, FLAIR))


def changed(source: Path, folder: Path, change: Callable[[pydicom.Dataset], None]) -> Path:
    """A copy of a study with other headers."""
    shutil.copytree(source, folder)
    for path in folder.rglob("*.dcm"):
        image = pydicom.dcmread(path)
        change(image)
        image.save_as(path)
    return folder


def opened(folder: Path) -> Table:
    return open_table(folder, unannotated="keep")


def test_every_slice_has_series_study_and_sequence(study: Path) -> None:
    (study / "readme.txt").write_text("no image")
    table = opened(study)
    header = pydicom.dcmread(next(study.rglob("*.dcm")))
    assert {s.origin.study for s in table if s.origin} == {short_hash(header.StudyInstanceUID)}
    assert {s.group for s in table} == {f"dicom:{short_hash(header.PatientID)}"}
    assert {s.acquisition.sequence: s.acquisition.contrast for s in table if s.acquisition} == {
        "T1 after contrast": True,
        "FLAIR": None,
    }
    assert len(table.volumes) == 2
    assert f"{study.name}: 1 file left out: no DICOM file" in table.notes
    for slices in table.volumes.values():
        positions = [s.origin.position for s in slices if s.origin and s.origin.position is not None]
        assert np.diff(positions) == pytest.approx(15.0)
        z = [pydicom.dcmread(s.image.with_name(s.image.name.partition("#")[0])).ImagePositionPatient[2] for s in slices]
        assert np.diff(z) == pytest.approx(15.0)
        assert read_scan(slices[0].image).orientation == "PL"


def test_no_name_or_number_is_in_the_table(study: Path, tmp_path: Path) -> None:
    def plant(image: pydicom.Dataset) -> None:
        image.PatientName, image.PatientID, image.PatientBirthDate = "Doe^Planted", "PLANTED-4711", "19440401"

    table = opened(changed(study, tmp_path / "copy", plant))
    text = repr(table.samples) + repr(table.notes)
    assert not any(value in text for value in ("Doe", "Planted", "4711", "19440401"))
    assert {s.patient for s in table} == {f"dicom:{short_hash('PLANTED-4711')}"}


@pytest.mark.parametrize("number", ["", "ANONYMOUS", "0000", "anon_12"])
def test_a_word_in_place_of_a_number_makes_each_study_a_patient(study: Path, tmp_path: Path, number: str) -> None:
    table = opened(changed(study, tmp_path / "copy", lambda image: setattr(image, "PatientID", number)))
    assert {s.group.partition(":")[2].partition("-")[0] for s in table if s.group} == {"study"}
    assert any("1 of 1 studies name no patient" in note for note in table.notes)


def test_one_number_in_studies_of_several_people_is_no_patient(study: Path, tmp_path: Path) -> None:
    for i in range(2):

        def change(image: pydicom.Dataset, i: int = i) -> None:
            image.PatientID, image.PatientSex, image.StudyInstanceUID = "H-1", "MF"[i], f"1.2.{i}"
            image.SeriesInstanceUID += f".{i}"

        changed(study, tmp_path / "both" / str(i), change)
    table = opened(tmp_path / "both")
    assert len({s.group for s in table}) == 2
    assert any("have one PatientID" in note for note in table.notes)


def test_a_folder_without_a_series_is_refused(tmp_path: Path, study: Path) -> None:
    data = next(study.rglob("*.dcm")).read_bytes()
    (tmp_path / "cut.dcm").write_bytes(data[: len(data) // 2])
    with assert_refused(DataError, found="no DICOM series can be used", advice="cut off"):
        open_table(tmp_path)
