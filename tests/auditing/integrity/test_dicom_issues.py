"""Headers that identify a person are issues, which name the attribute and never its value."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest

from tumorlens.auditing.duplicates.image_records import read_image_records
from tumorlens.auditing.integrity.dicom_issues import HeaderFacts, find_dicom_issues, read_header_facts
from tumorlens.datasets.phantom.phantom_study import STUDY_SERIES, phantom_study


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dicom") / "study"
    return phantom_study(folder, slices=2, gap=15.0, size=48, series=STUDY_SERIES[2:3])


def facts(plain: Path, folder: Path, change: Callable[[pydicom.Dataset], None]) -> dict[Path, HeaderFacts]:
    """Of a copy of a study with other headers."""
    shutil.copytree(plain, folder)
    paths = sorted(folder.rglob("*.dcm"))
    for path in paths:
        image = pydicom.dcmread(path)
        change(image)
        image.save_as(path)
    return read_header_facts(read_image_records(paths))


def identified(image: pydicom.Dataset) -> None:
    image.PatientIdentityRemoved = "NO"
    image.PatientName, image.PatientBirthDate = "Doe^Planted", "19440401"
    image.PatientAddress, image.AccessionNumber = "Planted Street 1", "PLANTED-77"
    image.add_new(0x00091010, "LO", "PLANTED")
    image.BurnedInAnnotation = "YES"


def test_identifying_attributes_are_named_without_their_values(plain: Path, tmp_path: Path) -> None:
    issues = {issue.kind: issue for issue in find_dicom_issues(facts(plain, tmp_path / "copy", identified))}
    assert set(issues) == {"identifying-tags", "burned-in-annotation", "private-tags"}
    (_, detail), *_ = issues["identifying-tags"].items
    assert detail == "PatientName, PatientBirthDate, PatientAddress, AccessionNumber"
    assert issues["private-tags"].items[0][1] == "1 private elements"
    assert not any(value in repr(issues).lower() for value in ("doe^", "19440401", "street", "planted-77"))


def test_a_study_whose_identity_was_removed_has_no_issue(plain: Path, tmp_path: Path) -> None:
    assert find_dicom_issues(facts(plain, tmp_path / "copy", lambda image: None)) == []


def test_a_birth_date_is_an_issue_also_where_the_name_was_removed(plain: Path, tmp_path: Path) -> None:
    def change(image: pydicom.Dataset) -> None:
        image.PatientBirthDate = "19440401"

    (issue,) = find_dicom_issues(facts(plain, tmp_path / "copy", change))
    assert {detail for _, detail in issue.items} == {"PatientBirthDate"}


@pytest.mark.parametrize("value", ["", "ANONYMOUS", "XXXX", "***", "0000"])
def test_placeholders_identify_nobody(plain: Path, tmp_path: Path, value: str) -> None:
    def change(image: pydicom.Dataset) -> None:
        image.PatientIdentityRemoved = "NO"
        image.PatientName = image.InstitutionName = value

    found = facts(plain, tmp_path / "copy", change)
    assert all(not fact.identifying for fact in found.values())


def test_a_name_in_a_path_is_an_issue_that_does_not_repeat_it(plain: Path, tmp_path: Path) -> None:
    (issue,) = [
        issue
        for issue in find_dicom_issues(facts(plain, tmp_path / "DOE_PLANTED", identified))
        if issue.kind == "identifier-in-path"
    ]
    assert issue.items == ()
    assert "planted" not in issue.message.lower()


def test_a_header_can_say_that_the_face_was_removed(plain: Path, tmp_path: Path) -> None:
    def change(image: pydicom.Dataset) -> None:
        image.RecognizableVisualFeatures = "NO"

    assert {fact.defaced for fact in facts(plain, tmp_path / "copy", change).values()} == {True}
    assert {fact.defaced for fact in facts(plain, tmp_path / "other", lambda image: None).values()} == {None}
