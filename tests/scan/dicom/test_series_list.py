"""The list of series: grouped by study, without anything that names a patient."""

from __future__ import annotations

import json
from pathlib import Path

from tests.fixtures.hard_case import images, save
from tumorlens.datasets.phantom.phantom_study import STUDY_SERIES, phantom_study
from tumorlens.scan.dicom.series_list import list_series


def test_each_study_has_a_choice_of_its_own(tmp_path: Path) -> None:
    for seed in (0, 1):
        phantom_study(tmp_path / str(seed), seed=seed, slices=5, size=32, series=STUDY_SERIES[1:4])
    found = list_series(tmp_path)
    assert [(entry.study, entry.chosen) for entry in found.entries] == [
        (study, chosen) for study in (1, 2) for chosen in (False, True, False)
    ]


def test_the_json_names_no_patient_and_counts_what_is_left_out(tmp_path: Path) -> None:
    series = images()
    for image in series:
        image.PatientName, image.PatientID, image.PatientBirthDate = "Miller^Anna", "ID-4711", "19500203"
    del series[0].ImagePositionPatient
    save(series, tmp_path)
    (tmp_path / "README.txt").write_text("no DICOM")
    plain = list_series(tmp_path).to_dict()
    text = json.dumps(plain)
    assert not any(word in text for word in ("Miller", "4711", "1950"))
    assert plain["other_files"] == 1
    assert [(one["frames"], "position" in one["reason"]) for one in plain["refused"]] == [(1, True)]
    (entry,) = plain["series"]
    assert entry["use"] == "yes"
    assert entry["chosen"]
    assert entry["size"] == [8, 48, 48]
