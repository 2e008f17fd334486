"""The small print of a page comes from the run record."""

from __future__ import annotations

import tumorlens
from tumorlens._record import Record
from tumorlens.report import PageFooter


def test_date_command_seed_and_data_are_those_of_the_record() -> None:
    record = Record("audit", seed=3)
    record.add(data_fingerprint="ab12")
    footer = PageFooter.of(record.facts, "A note.")
    assert footer.date == record.facts["started"]
    assert footer.command.startswith(record.facts["command"][0])
    assert (footer.seed, footer.data_fingerprint, footer.notes) == (3, "ab12", ("A note.",))
    assert footer.version == tumorlens.__version__


def test_facts_of_the_results_come_before_those_of_the_record() -> None:
    record = {"started": "2026-11-28T21:20:59+00:00", "command": ["tumorlens", "audit", "a b"], "seed": 3}
    footer = PageFooter.of(record, seed=0, data_fingerprint="cd34")
    assert (footer.seed, footer.data_fingerprint) == (0, "cd34")
    assert footer.command == "tumorlens audit 'a b'"


def test_without_a_record_only_the_version_is_known() -> None:
    assert PageFooter.of(None).facts == (("tumorlens", tumorlens.__version__),)
