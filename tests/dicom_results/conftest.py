"""A result with two findings, of which the headers of a DICOM series are known."""

from __future__ import annotations

import pytest

from tests.fixtures.hard_case import images, save
from tests.fixtures.known_results import chosen, known_result, lesion
from tumorlens.studies.study_result import StudyResult


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    """Of an axial series."""
    read, choice = chosen(save(images(), tmp_path_factory.mktemp("plain")))
    return known_result(read, lesion(read.size), choice)
