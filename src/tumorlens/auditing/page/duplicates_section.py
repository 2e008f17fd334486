"""duplicates -> the section "Duplicates" of the page: kinds, cluster sizes, and the largest clusters as images."""

from __future__ import annotations

from collections import Counter

from tumorlens.auditing.audit_report import AuditReport
from tumorlens.auditing.issues import DUPLICATE_KINDS
from tumorlens.auditing.page.image_pairs import ImagePairs
from tumorlens.auditing.page.page_text import share
from tumorlens.report import Blocks, Section, columns, contact_sheet, paragraph, table, verdict
from tumorlens.scan.dihedral import DIHEDRAL_NAMES

_CLUSTERS = 3  # shown as images
_PER_CLUSTER = 5
_EXPLANATIONS = {
    "bytes": "equal files",
    "pixels": "another file or name, equal gray values",
    "near": "re-encoded, resized, brightened, flipped, rotated or with a border",
}

_LIMIT = "That all images are of different patients, or that none is a crop or a slightly rotated copy of another."


def duplicates_section(pairs: ImagePairs) -> Section:
    """The number of distinct images, and the files that show the same image."""
    title, report = "Duplicates", pairs.report
    clusters = report.duplicates.clusters
    total, distinct = len(report.table), report.duplicates.n_distinct
    if not clusters:
        return Section(title, verdict(f"None found: {total:,} files, {total:,} distinct images.", _LIMIT))
    counts = report.duplicates.pair_counts()
    lead = f"{total:,} files show {distinct:,} distinct images; {total - distinct:,} files are duplicates."
    kinds = [[name, f"{counts[kind]:,}", _EXPLANATIONS[kind]] for kind, name in DUPLICATE_KINDS.items()]
    transforms = Counter(pair.transform for pair in report.duplicates.pairs if pair.kind == "near")
    sizes = Counter(len(members) for members in clusters)
    by_transform = [[DIHEDRAL_NAMES[transform], f"{count:,}"] for transform, count in transforms.most_common()]
    by_size = [[f"{size:,}", f"{count:,}"] for size, count in sorted(sizes.items())]
    body = table(["kind", "files", "meaning"], kinds, "lrl", reading="duplicate_kinds")
    body += columns(
        _sizes(by_size if len(by_size) <= 12 else _size_ranges(sizes)),
        table(["transform between near-duplicates", "files"], by_transform, reading="duplicate_transforms")
        if by_transform
        else (),
    )
    body += _between_sets(report)
    body += paragraph(f"The {min(_CLUSTERS, len(clusters))} images with the most duplicates:")
    for number, members in enumerate(clusters[:_CLUSTERS]):
        rest = f", {_PER_CLUSTER} of them shown" if len(members) > _PER_CLUSTER else ""
        body += paragraph(f"One image, {len(members):,} files{rest}.")
        body += contact_sheet(pairs.cluster(members, _PER_CLUSTER), reading=None if number else "pairs")
    return Section(title, body, lead)


def _sizes(rows: list[list[str]]) -> Blocks:
    return table(["files per image", "images"], rows, reading="duplicate_sizes")


def _size_ranges(sizes: Counter[int]) -> list[list[str]]:
    """The sizes of clusters, in ranges."""
    rows = []
    for low, high in ((2, 2), (3, 3), (4, 5), (6, 10), (11, 20), (21, 10**9)):
        count = sum(n for size, n in sizes.items() if low <= size <= high)
        files = f"{low}" if low == high else f"{low} to {min(high, max(sizes))}"
        if count:
            rows.append([files, f"{count:,}"])
    return rows


def _between_sets(report: AuditReport) -> Blocks:
    """How many images of each set have a duplicate in each other set; nothing for a single set."""
    samples, cluster_ids = report.table.samples, report.duplicates.cluster_ids
    sets = list(dict.fromkeys(sample.dataset for sample in samples))
    if len(sets) < 2:
        return ()
    totals = Counter(sample.dataset for sample in samples)
    in_set = Counter((cluster_id, s.dataset) for cluster_id, s in zip(cluster_ids, samples, strict=True))
    rows = []
    for name in sets:
        own = [cluster_id for cluster_id, s in zip(cluster_ids, samples, strict=True) if s.dataset == name]
        cells = [sum(in_set[cluster_id, other] > (name == other) for cluster_id in own) for other in sets]
        rows.append([f"{name} ({totals[name]:,})", *(share(n, totals[name]) for n in cells)])
    text = "Images of a set (row) with a duplicate in a set (column); on the diagonal, another file of the same set:"
    return paragraph(text) + table(["set (images)", *sets], rows, reading="duplicates_between_sets")
