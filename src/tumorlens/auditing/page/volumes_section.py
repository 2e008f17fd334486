"""facts of volumes -> the section "Volumes" of the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tumorlens.auditing.audit_report import AuditReport
from tumorlens.auditing.page.page_text import long_list, sentence
from tumorlens.report import Section, key_values, paragraph

_WORDS = {True: "yes", False: "no", None: "unknown"}


def volumes_section(report: AuditReport) -> list[Section]:
    """What the volumes are, in counts and one by one; none for a table of images."""
    volumes = report.volumes
    if not volumes:
        return []
    body = key_values(
        [
            ("volumes", f"{len(volumes):,}, with {sum(one.slices for one in volumes):,} slices"),
            ("studies, series", f"{_number(v.study for v in volumes)}, {_number(v.series for v in volumes)}"),
            ("planes", _counts(one.plane for one in volumes)),
            ("sequences", _counts(one.sequence or "unknown" for one in volumes)),
            ("contrast", _counts(_WORDS[one.contrast] for one in volumes)),
            ("skull-stripped", _counts(_WORDS[one.skull_stripped] for one in volumes)),
            ("defaced", _counts(_WORDS[one.defaced] for one in volumes)),
        ]
    )
    rows = (
        (
            one.volume,
            f"{one.slices:,}",
            one.plane,
            one.sequence or "unknown",
            *(_WORDS[value] for value in (one.contrast, one.skull_stripped, one.defaced)),
        )
        for one in volumes
    )
    for text in report.table.notes:
        body += paragraph(sentence(text))
    headers = ("volume", "slices", "plane", "sequence", "contrast", "skull-stripped", "defaced")
    body += long_list(rows, len(volumes), *headers, reading="volumes")
    return [Section("Volumes", body, "Slices of one volume are one group, and are not compared with each other.")]


def _counts(values: Iterable[str]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in Counter(values).most_common())


def _number(values: Iterable[str | None]) -> str:
    return f"{len(set(values) - {None}) or 'unknown'}"
