"""label conflicts -> the section "Label conflicts" of the page: duplicates with different labels, as images."""

from __future__ import annotations

from collections.abc import Sequence

from tumorlens.auditing.issues import LabelConflict
from tumorlens.auditing.page.image_pairs import ImagePairs, interleaved
from tumorlens.auditing.page.page_text import long_list
from tumorlens.report import CaptionedImage, Section, contact_sheet, verdict

_SHOWN = 6

_LIMIT = "That the labels are right: an image with one label and no known source cannot contradict anything."


def label_conflicts_section(pairs: ImagePairs) -> Section:
    """Images with contradictory labels."""
    title, report = "Label conflicts", pairs.report
    conflicts = report.label_conflicts
    if not conflicts:
        return Section(title, verdict("None found: no image has contradictory labels.", _LIMIT))
    between_duplicates, with_source = _selected(conflicts)
    ids = [sample.id for sample in report.table.samples]
    rows = ((" · ".join(ids[i] for i in conflict.samples), _description(conflict)) for conflict in conflicts)
    body = contact_sheet([_pair(pairs, conflict) for conflict in between_duplicates], wide=True, reading="pairs")
    body += contact_sheet([pairs.single(conflict.samples[0], _description(conflict)) for conflict in with_source])
    body += long_list(rows, len(conflicts), "images", "labels", reading="label_conflicts")
    images = len({i for conflict in conflicts for i in conflict.samples})
    lead = (
        f"{len(conflicts):,} conflicts in {images:,} images: duplicates with different labels, or a label that "
        "contradicts the reference set. A split made with --write-split leaves contradicted labels out."
    )
    return Section(title, body, lead)


def _selected(conflicts: Sequence[LabelConflict]) -> tuple[list[LabelConflict], list[LabelConflict]]:
    """Some conflicts between duplicates, and some that contradict only their source."""
    differing = [conflict for conflict in conflicts if len(set(conflict.labels)) > 1]
    uniform = [conflict for conflict in conflicts if len(set(conflict.labels)) == 1]
    order = interleaved(range(len(differing)), lambda i: _description(differing[i]))
    between_duplicates = [differing[i] for i in order[:_SHOWN]]
    order = interleaved(range(len(uniform)), lambda i: (uniform[i].labels, uniform[i].reference_label))
    return between_duplicates, [uniform[i] for i in order[: _SHOWN - len(between_duplicates)]]


def _pair(pairs: ImagePairs, conflict: LabelConflict) -> CaptionedImage:
    """An image beside its duplicate with another label, and the label of their source."""
    first = conflict.samples[0]
    labeled = zip(conflict.samples, conflict.labels, strict=True)
    second = next((i for i, label in labeled if label != conflict.labels[0]), conflict.samples[-1])
    match = pairs.report.match_by_sample.get(first) or pairs.report.match_by_sample.get(second)
    return pairs.duplicates(first, second, f"{match.reference} {match.slice} is {match.label}" if match else "")


def _description(conflict: LabelConflict) -> str:
    text = f"labeled {' and '.join(dict.fromkeys(conflict.labels))}"
    return f"{text}, but {conflict.source} is {conflict.reference_label}" if conflict.reference_label else text
