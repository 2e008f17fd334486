"""leaks, copies, sources, conflicts -> the sections of the page that show images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tumorlens.auditing.audit_report import AuditReport
from tumorlens.auditing.issues import DUPLICATE_KINDS, LabelConflict, Leak
from tumorlens.auditing.page.contact_sheets import Kinship, leaked_pairs, spread
from tumorlens.report import (
    Blocks,
    CaptionedImage,
    Note,
    Section,
    columns,
    contact_sheet,
    details,
    note,
    paragraph,
    table,
)
from tumorlens.scan.dihedral import DIHEDRAL_NAMES

# Images a page holds at most, about 60 in all, so that it stays small and is made in a second or two.
LEAKED = 12
OF_PATIENT = 6
CLUSTERS = 3
OF_CLUSTER = 5
LABEL_CONFLICTS = 6
LISTED = 50
"""Rows of a long list that are shown; audit.json has all."""

_PARTS = {"test": "test", "val": "validation"}
_SORTS = {
    "bytes": "every byte of the files is equal",
    "pixels": "saved or named differently, the same gray values",
    "near": "re-encoded, resized, brightened, flipped, rotated or framed",
}


def leak_section(kinship: Kinship) -> Section:
    """What of validation and test is known from train."""
    found = kinship.found
    if not found.leaks:
        words = "Looked, but the data has no train part with another part beside it, so nothing can leak yet."
        return Section("Leaks", paragraph(words))
    leaks = [leak for leak in found.leaks if leak.samples]
    if not leaks:
        parts = " and ".join(dict.fromkeys(_PARTS[leak.subset] for leak in found.leaks))
        words = f"Looked, and found none: no image of {parts} has a copy or a known patient in train."
        return Section("Leaks", paragraph(words) + _rates(kinship))
    lead = (
        "A network that merely remembers its training images answers a leaked one correctly; the figure then says "
        "how well it remembers, not how it would fare with a new patient."
    )
    body: Blocks = tuple(Note("danger", _leak_words(leak)) for leak in leaks)
    body += _rates(kinship) + _per_class(found)
    for leak in leaks:
        most = LEAKED if leak.by == "duplicate" else OF_PATIENT
        if leak.subset == "val" and any(other.subset == "test" and other.by == leak.by for other in leaks):
            continue  # the test part shows it already
        pairs = leaked_pairs(kinship, leak, most)
        what = "a copy of it" if leak.by == "duplicate" else "the same patient"
        body += paragraph(
            f"Left a {_PARTS[leak.subset]} image, right {what} in train; {len(pairs)} of {len(leak.samples):,}, "
            "spread over the classes."
        )
        body += contact_sheet(pairs, wide=True)
    return Section("Leaks", body, lead)


def copy_section(kinship: Kinship) -> Section:
    """How many images there are, and which files show the same."""
    found = kinship.found
    clusters = found.duplicates.clusters
    total, distinct = len(found.table), found.duplicates.n_distinct
    if not clusters:
        return Section("Copies", paragraph(f"Looked, and found none: {total:,} files, {total:,} different images."))
    counts = found.duplicates.pair_counts()
    lead = f"{total:,} files show {distinct:,} different images; {total - distinct:,} files are copies of others."
    kinds = [[name, f"{counts[kind]:,}", _SORTS[kind]] for kind, name in DUPLICATE_KINDS.items()]
    turns = Counter(pair.transform for pair in found.duplicates.pairs if pair.kind == "near")
    sizes = Counter(len(members) for members in clusters)
    flips = [[DIHEDRAL_NAMES[turn], f"{count:,}"] for turn, count in turns.most_common()]
    times = [[f"{size:,} times", f"{count:,}"] for size, count in sorted(sizes.items())]
    body = table(["copies", "files", "what it means"], kinds, "lrl")
    body += columns(
        table(["one image is there", "images"], times) if len(times) <= 12 else _few_sizes(sizes),
        table(["near copies, as one lies to the other", "files"], flips) if flips else (),
    )
    body += _between_sets(found)
    body += paragraph(f"The {min(CLUSTERS, len(clusters))} images that are there most often:")
    for members in clusters[:CLUSTERS]:
        rest = f", {OF_CLUSTER} of them shown" if len(members) > OF_CLUSTER else ""
        body += paragraph(f"One image, {len(members):,} files{rest}.")
        body += contact_sheet(kinship.cluster(members, OF_CLUSTER))
    return Section("Copies", body, lead)


def source_section(kinship: Kinship) -> Section:
    """Which images are slices of a set that is known, and what that tells of their patients."""
    found = kinship.found
    title = "Known source"
    if not found.source_matches:
        return Section(title, paragraph("Looked, and recognized no image as a slice of a known set."))
    samples, traced = found.table.samples, found.match_by_sample
    body: Blocks = ()
    leads = []
    several = len({sample.dataset for sample in samples}) > 1
    for known in dict.fromkeys(trace.reference for trace in found.source_matches):
        own = [trace for trace in found.source_matches if trace.reference == known]
        slices = {trace.slice for trace in own}
        patients = {trace.patient for trace in own if trace.patient}
        recovered = sum(trace.patient is not None and samples[trace.sample].group is None for trace in own)
        words = f"{len(own):,} of {len(samples):,} images are {len(slices):,} slices of {known}"
        words += f", of {len(patients):,} patients" if patients else ""
        leads.append(words + (f"; {recovered:,} images had no patient stated and have one now" if recovered else ""))
        rows = []
        for name, label in sorted({(sample.dataset, sample.label) for sample in samples}):
            here = [i for i, s in enumerate(samples) if (s.dataset, s.label) == (name, label)]
            hits = [traced[i] for i in here if i in traced and traced[i].reference == known]
            persons = {trace.patient for trace in hits if trace.patient}
            rows.append([f"{name}, {label}" if several else label, _share(len(hits), len(here)), f"{len(persons):,}"])
        turns = Counter(trace.transform for trace in own)
        flips = [[DIHEDRAL_NAMES[turn], f"{count:,}"] for turn, count in turns.most_common()]
        body += columns(
            table(["class", f"traced to {known}", "patients"], rows),
            table(["the slice, made into the image", "images"], flips),
        )
    for damage in found.integrity:
        if damage.kind == "misnamed":
            body += note("warning", _sentence(damage.message))
            body += listing(((str(path.name), detail) for path, detail in damage.items), len(damage.items), "file")
    return Section(title, body, ". ".join(leads) + ".")


def conflict_section(kinship: Kinship) -> Section:
    """Images that are called two things."""
    found, title = kinship.found, "Label conflicts"
    if not found.label_conflicts:
        return Section(title, paragraph("Looked, and found none: no image carries two labels that contradict."))
    pairs, singles = _shown(found.label_conflicts)
    ids = [sample.id for sample in found.table.samples]
    rows = ((" · ".join(ids[i] for i in c.samples), _called(c)) for c in found.label_conflicts)
    body = contact_sheet([_conflict(kinship, conflict) for conflict in pairs], wide=True)
    body += contact_sheet([kinship.single(conflict.samples[0], _called(conflict)) for conflict in singles])
    body += listing(rows, len(found.label_conflicts), "images", "labels")
    images = len({i for conflict in found.label_conflicts for i in conflict.samples})
    lead = (
        f"{len(found.label_conflicts):,} contradictions, over {images:,} images: one image under two labels, or under "
        "another label than the set it comes from gives it. A split made by --write-split leaves the doubtful ones out."
    )
    return Section(title, body, lead)


def listing(rows: Iterable[Sequence[str]], total: int, *headers: str) -> Blocks:
    """A list that opens on a click, cut where it is long; headers that are not given stay empty."""
    shown = [row for row, _ in zip(rows, range(LISTED), strict=False)]
    names = [*headers, *[""] * (max(map(len, shown), default=0) - len(headers))]
    rest = paragraph(f"… and {total - LISTED:,} more, all in audit.json.") if total > LISTED else ()
    return details(f"Show {min(total, LISTED):,} of {total:,}", table(names, shown, "l" * len(names)) + rest)


def _leak_words(leak: Leak) -> str:
    count = f"{len(leak.samples):,} of {leak.rate.n:,} {_PARTS[leak.subset]} images"
    if leak.by == "duplicate":
        return f"{count} have a copy in train: {leak.rate.percent()}."
    return f"{count} whose patient is known show a patient who is also in train: {leak.rate.percent()}."


def _rates(kinship: Kinship) -> Blocks:
    rows = []
    for leak in kinship.found.leaks:
        kinds: Counter[str] = Counter()
        for i in leak.samples if leak.by == "duplicate" else ():
            duplicate = kinship.copy_in_train(i)
            if duplicate is not None:
                kinds[kinship.kind(i, duplicate)] += 1
        rows.append(
            [
                _PARTS[leak.subset],
                "a copy" if leak.by == "duplicate" else "its patient",
                f"{len(leak.samples):,} of {leak.rate.n:,}",
                leak.rate.percent(),
                *(f"{kinds[kind]:,}" if leak.by == "duplicate" else "–" for kind in DUPLICATE_KINDS),
            ]
        )
    return table(["part", "in train is", "images", "share (95 % interval)", *DUPLICATE_KINDS.values()], rows, "llrrrrr")


def _per_class(found: AuditReport) -> Blocks:
    leaks = [leak for leak in found.leaks if leak.samples]
    heads = [f"{_PARTS[leak.subset]}, {'copy' if leak.by == 'duplicate' else 'patient'} in train" for leak in leaks]
    rows = [
        [name, *(_share(*leak.per_class[name]) if name in leak.per_class else "–" for leak in leaks)]
        for name in found.table.classes
    ]
    return table(["class", *heads], rows)


def _few_sizes(sizes: Counter[int]) -> Blocks:
    """How often images are there, in ranges."""
    rows = []
    for low, high in ((2, 2), (3, 3), (4, 5), (6, 10), (11, 20), (21, 10**9)):
        count = sum(n for size, n in sizes.items() if low <= size <= high)
        words = f"{low} times" if low == high else f"{low} to {min(high, max(sizes))} times"
        if count:
            rows.append([words, f"{count:,}"])
    return table(["one image is there", "images"], rows)


def _between_sets(found: AuditReport) -> Blocks:
    """How many images of each set have a copy in each other; nothing where there is one set."""
    samples = found.table.samples
    sets = list(dict.fromkeys(sample.dataset for sample in samples))
    if len(sets) < 2:
        return ()
    total = Counter(sample.dataset for sample in samples)
    holds = Counter((cluster, s.dataset) for cluster, s in zip(found.duplicates.cluster_ids, samples, strict=True))
    rows = []
    for one in sets:
        own = [cluster for cluster, s in zip(found.duplicates.cluster_ids, samples, strict=True) if s.dataset == one]
        cells = [sum(holds[cluster, other] > (one == other) for cluster in own) for other in sets]
        rows.append([f"{one} ({total[one]:,})", *(_share(n, total[one]) for n in cells)])
    words = "How many images of a set (row) have a copy in a set (column); on the diagonal, another copy in itself:"
    return paragraph(words) + table(["set (images)", *sets], rows)


def _shown(label_conflicts: Sequence[LabelConflict]) -> tuple[list[LabelConflict], list[LabelConflict]]:
    """Images with copies under another label, and those that contradict only their source."""
    apart = [conflict for conflict in label_conflicts if len(set(conflict.labels)) > 1]
    alone = [conflict for conflict in label_conflicts if len(set(conflict.labels)) == 1]
    pairs = [apart[i] for i in spread(range(len(apart)), lambda i: _called(apart[i]))[:LABEL_CONFLICTS]]
    order = spread(range(len(alone)), lambda i: (alone[i].labels, alone[i].reference_label))
    return pairs, [alone[i] for i in order[: LABEL_CONFLICTS - len(pairs)]]


def _conflict(kinship: Kinship, conflict: LabelConflict) -> CaptionedImage:
    """An image under one label beside its copy under another, and what their source says."""
    first = conflict.samples[0]
    others = zip(conflict.samples, conflict.labels, strict=True)
    second = next((i for i, label in others if label != conflict.labels[0]), conflict.samples[-1])
    trace = kinship.found.match_by_sample.get(first) or kinship.found.match_by_sample.get(second)
    return kinship.copies(first, second, f"{trace.reference} {trace.slice} is {trace.label}" if trace else "")


def _called(conflict: LabelConflict) -> str:
    labels = " and ".join(dict.fromkeys(conflict.labels))
    return f"called {labels}, but {conflict.source} is {conflict.reference_label}" if conflict.reference_label else f"called {labels}"


def _share(count: int, total: int) -> str:
    return f"{count:,} of {total:,} ({100 * count / total:.1f} %)" if total else "–"


def _sentence(text: str) -> str:
    return text if text.endswith(".") else text + "."
