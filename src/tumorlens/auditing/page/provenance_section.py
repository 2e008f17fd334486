"""source matches -> the section "Provenance" of the page: reference sets, recovered patients, misnamed files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tumorlens.auditing.audit_report import AuditReport
from tumorlens.auditing.issues import SourceMatch
from tumorlens.auditing.page.page_text import contradicted, long_list, sentence, share
from tumorlens.report import Blocks, Section, columns, note, paragraph, table, verdict
from tumorlens.scan.dihedral import DIHEDRAL_NAMES

_LIMIT = "That the images are new: only the reference sets that tumorlens has, or that --index adds, were searched."


def provenance_section(report: AuditReport) -> Section:
    """The images that show slices of a reference set, and their patients."""
    title = "Provenance"
    if not report.source_matches:
        return Section(title, verdict("None found: no image matches a slice of a reference set.", _LIMIT))
    body: Blocks = ()
    leads = []
    for reference in dict.fromkeys(match.reference for match in report.source_matches):
        matches = [match for match in report.source_matches if match.reference == reference]
        leads.append(_lead(report, reference, matches))
        transforms = Counter(match.transform for match in matches)
        by_transform = [[DIHEDRAL_NAMES[transform], f"{count:,}"] for transform, count in transforms.most_common()]
        per_class = _per_class(report, reference)
        body += columns(
            table(["class", f"matched to {reference}", "patients"], per_class, reading="provenance_classes"),
            table(["transform from slice to image", "images"], by_transform, reading="provenance_transforms"),
        )
    body += _files(report)
    for issue in report.integrity:
        if issue.kind == "misnamed":
            body += note("warning", sentence(issue.message))
            listed = ((str(path.name), detail) for path, detail in issue.items)
            body += long_list(listed, len(issue.items), "file", reading="misnamed")
    return Section(title, body, ". ".join(leads) + ".")


def _files(report: AuditReport) -> Blocks:
    """Which file is which known slice; files whose label differs come first."""
    samples = report.table.samples
    wrong = contradicted(report)
    matches = sorted(report.source_matches, key=lambda match: (match.sample not in wrong, match.sample))
    differing = sum(match.sample in wrong for match in matches)
    text = f"The known slice of each file; {differing:,} of {len(matches):,} files have another label than their slice:"
    rows = (
        [
            samples[match.sample].id,
            samples[match.sample].label,
            f"{match.reference} {match.slice}",
            f"≠ {match.label}" if match.sample in wrong else match.label,
            match.patient or "unknown",
            DIHEDRAL_NAMES[match.transform],
        ]
        for match in matches
    )
    headers = ("file", "label", "known slice", "its label", "patient", "transform")
    return paragraph(text) + long_list(rows, len(matches), *headers, reading="provenance_files")


def _lead(report: AuditReport, reference: str, matches: Sequence[SourceMatch]) -> str:
    samples = report.table.samples
    slices = {match.slice for match in matches}
    patients = {match.patient for match in matches if match.patient}
    recovered = sum(match.patient is not None and samples[match.sample].group is None for match in matches)
    text = f"{len(matches):,} of {len(samples):,} images show {len(slices):,} slices of {reference}"
    text += f", of {len(patients):,} patients" if patients else ""
    return text + (f"; the patients of {recovered:,} images were unknown and are recovered" if recovered else "")


def _per_class(report: AuditReport, reference: str) -> list[list[str]]:
    samples = report.table.samples
    several_sets = len({sample.dataset for sample in samples}) > 1
    rows = []
    for dataset, label in sorted({(sample.dataset, sample.label) for sample in samples}):
        positions = [i for i, s in enumerate(samples) if (s.dataset, s.label) == (dataset, label)]
        candidates = (report.match_by_sample.get(i) for i in positions)
        matches = [match for match in candidates if match and match.reference == reference]
        patients = {match.patient for match in matches if match.patient}
        name = f"{dataset}, {label}" if several_sets else label
        rows.append([name, share(len(matches), len(positions)), f"{len(patients):,}"])
    return rows
