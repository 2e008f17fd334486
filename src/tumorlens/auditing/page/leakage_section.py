"""leaks -> the section "Leakage" of the page: rates, classes, and leaked images beside their training images."""

from __future__ import annotations

from collections import Counter

from tumorlens.auditing.audit_report import AuditReport
from tumorlens.auditing.issues import DUPLICATE_KINDS, Leak
from tumorlens.auditing.page.image_pairs import ImagePairs, leaked_pairs
from tumorlens.auditing.page.page_text import SUBSET_NAMES, share
from tumorlens.report import Blocks, Note, Section, contact_sheet, paragraph, table, verdict

_DUPLICATE_PAIRS = 12  # the whole page shows about 60 images, so that it stays small and is made in a second or two
_PATIENT_PAIRS = 6

_LIMIT = (
    "That no patient is in two subsets: only patients with an id, or with a match to a reference set, are known, and "
    "crops and rotations by other angles than 90° are not found."
)


def leakage_section(pairs: ImagePairs) -> Section:
    """The validation and test images that leak from train."""
    title, report = "Leakage", pairs.report
    if not report.leaks:
        text = "Not measured: the data has no train subset with another subset beside it, so nothing can leak yet."
        return Section(title, paragraph(text))
    leaks = [leak for leak in report.leaks if leak.samples]
    if not leaks:
        subsets = " and ".join(dict.fromkeys(SUBSET_NAMES[leak.subset] for leak in report.leaks))
        text = f"None found: no {subsets} image has a duplicate or a known patient in train."
        return Section(title, verdict(text, _LIMIT) + _rates(pairs))
    lead = (
        "A network that only memorizes its training images classifies a leaked image correctly; the result then "
        "measures memorization, not performance on new patients."
    )
    body: Blocks = tuple(Note("danger", _summary(leak)) for leak in leaks)
    body += _rates(pairs) + _per_class(report)
    for leak in leaks:
        most = _DUPLICATE_PAIRS if leak.by == "duplicate" else _PATIENT_PAIRS
        if leak.subset == "val" and any(other.subset == "test" and other.by == leak.by for other in leaks):
            continue  # the pairs of the test subset show the same
        shown = leaked_pairs(pairs, leak, most)
        right = "its duplicate" if leak.by == "duplicate" else "an image of the same patient"
        body += paragraph(
            f"Left: a {SUBSET_NAMES[leak.subset]} image; right: {right} in train. {len(shown)} of "
            f"{len(leak.samples):,}, from all classes."
        )
        body += contact_sheet(shown, wide=True, reading="pairs")
    return Section(title, body, lead)


def _summary(leak: Leak) -> str:
    count = f"{len(leak.samples):,} of {leak.rate.n:,} {SUBSET_NAMES[leak.subset]} images"
    if leak.by == "duplicate":
        return f"{count} have a duplicate in train: {leak.rate.percent()}."
    return f"{count} with a known patient show a patient who is also in train: {leak.rate.percent()}."


def _rates(pairs: ImagePairs) -> Blocks:
    rows = []
    for leak in pairs.report.leaks:
        kinds: Counter[str] = Counter()
        for i in leak.samples if leak.by == "duplicate" else ():
            duplicate = pairs.duplicate_in_train(i)
            if duplicate is not None:
                kinds[pairs.duplicate_kind(i, duplicate)] += 1
        rows.append(
            [
                SUBSET_NAMES[leak.subset],
                leak.by,
                f"{len(leak.samples):,} of {leak.rate.n:,}",
                leak.rate.percent(),
                *(f"{kinds[kind]:,}" if leak.by == "duplicate" else "–" for kind in DUPLICATE_KINDS),
            ]
        )
    headers = ["subset", "in train", "images", "share (95 % interval)", *DUPLICATE_KINDS.values()]
    return table(headers, rows, "llrrrrr", reading="leak_rates")


def _per_class(report: AuditReport) -> Blocks:
    leaks = [leak for leak in report.leaks if leak.samples]
    headers = [f"{SUBSET_NAMES[leak.subset]}, {leak.by} in train" for leak in leaks]
    rows = [
        [name, *(share(*leak.per_class[name]) if name in leak.per_class else "–" for leak in leaks)]
        for name in report.table.classes
    ]
    return table(["class", *headers], rows, reading="leak_classes")
