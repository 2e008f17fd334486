"""AuditReport -> the chart of its images: by subset and class, and how many are duplicates or leak."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tumorlens.report.plots import BarRow, StackedBarChart

if TYPE_CHECKING:
    from tumorlens.auditing.audit_report import AuditReport

KINDS = ("other images", "duplicates of an earlier image", "leaked from train")


def audit_chart(report: AuditReport) -> StackedBarChart:
    """One bar per subset and class, divided by `KINDS`; an image that leaks counts as nothing else."""
    samples, seen = report.table.samples, set[int]()
    leaked = {position for leak in report.leaks for position in leak.samples}
    counts: dict[str, dict[str, list[int]]] = {}
    for position, (sample, cluster) in enumerate(zip(samples, report.duplicates.cluster_ids, strict=True)):
        kind = 2 if position in leaked else int(cluster in seen)
        seen.add(cluster)
        counts.setdefault(sample.split or "", {}).setdefault(sample.label, [0, 0, 0])[kind] += 1
    rows = []
    for subset in [name for name in (*report.subset_sizes, "") if name in counts]:
        if list(counts) != [""]:
            rows.append(BarRow(subset or "no subset"))
        rows += [BarRow(name, counts[subset][name]) for name in report.table.classes if name in counts[subset]]
    return StackedBarChart(rows, KINDS, f"images of {report.table.name}")
