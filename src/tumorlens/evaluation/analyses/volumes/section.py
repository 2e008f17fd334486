"""Metrics of whole volumes -> the section with headline values, Bland-Altman plot, and a table of all volumes."""

from __future__ import annotations

from collections.abc import Sequence

from tumorlens.datasets import Sample
from tumorlens.evaluation.analyses.volumes import ANALYSIS
from tumorlens.evaluation.analyses.volumes.result import VolumeRow, VolumesResult, volume_evidence
from tumorlens.metrics.names import METRICS
from tumorlens.report import Blocks, Section, Tile, details, figure, paragraph, table, tiles, verdict
from tumorlens.report.plots import BlandAltmanChart
from tumorlens.report.text import with_interval
from tumorlens.stats import Estimate

SHOWN = 200
"""Volumes in the table of the page; evaluation.json has all."""

_TILES = ("study_sensitivity", "study_specificity", "volume_dice", "volume_lesion_sensitivity")
_LIMIT = (
    "That a study without a finding is healthy, or how the model does in other hospitals. The conclusion holds for the "
    "limit that is stated here, and a limit that was set on these volumes makes it look better than it is."
)


def section(result: VolumesResult, samples: Sequence[Sample]) -> Section:
    """Headline values, all metrics, the Bland-Altman plot, and the volumes one by one."""
    metrics = result.metrics
    known = metrics.estimates
    shown = [
        Tile(_capital(METRICS[name].title), known[name], METRICS[name].percent, hint=volume_evidence(name, known[name]))
        for name in _TILES
        if name in known
    ]
    blocks: Blocks = tiles(shown) if shown else ()
    blocks += verdict(result.conclusions, _LIMIT)
    rows = [[metrics.titles[name], _value(name, one), volume_evidence(name, one)] for name, one in known.items()]
    if rows:
        blocks += table(["metric", "value (95 % interval)", "measured on"], rows, "lrl", reading="volume_metrics")
    if chart := _chart(result):
        caption = "One dot for each volume whose reference mask shows a tumor; bands: 95 % intervals over patients."
        blocks += figure(chart, caption, reading="bland_altman")
    blocks += paragraph(f"Masks: {result.rule}. Positive: {result.positive_rule}.")
    blocks += _cases(result)
    lead = (
        f"{len(result.rows):,} volumes: {metrics.with_tumor:,} with a tumor and {metrics.without_tumor:,} without. "
        "3D metrics are of volumes with a tumor."
    )
    return Section(ANALYSIS.title, blocks, lead)


def _chart(result: VolumesResult) -> BlandAltmanChart | None:
    metrics = result.metrics
    if metrics.agreement is None:
        return None
    cases = [row.case for row in result.rows if row.case.tumor]
    in_ml = metrics.size_unit == "ml"
    scale = [case.voxel_ml or 1.0 if in_ml else 1.0 for case in cases]
    return BlandAltmanChart(
        reference=[(case.reference or 0) * one for case, one in zip(cases, scale, strict=True)],
        predicted=[case.predicted * one for case, one in zip(cases, scale, strict=True)],
        bias=metrics.agreement.bias,
        lower=metrics.agreement.lower,
        upper=metrics.agreement.upper,
        unit=metrics.size_unit,
    )


def _cases(result: VolumesResult) -> Blocks:
    in_mm, unit = result.metrics.distance_unit == "mm", result.metrics.size_unit
    headers = [
        "volume",
        "class",
        "predicted",
        f"reference, {unit}",
        f"predicted, {unit}",
        "Dice",
        f"HD95, {result.metrics.distance_unit}",
        "lesions detected",
        "false positives",
    ]
    rows = [_cells(row, in_mm) for row in result.rows[:SHOWN]]
    shown = table(headers, rows, "lll" + "r" * 6, reading="volume_cases")
    if len(result.rows) > SHOWN:
        shown += paragraph(f"The first {SHOWN} of {len(result.rows):,} volumes; evaluation.json has all.")
    return details(f"All {len(result.rows):,} volumes" if len(result.rows) <= SHOWN else "Volumes", shown)


def _cells(row: VolumeRow, in_mm: bool) -> list[str]:
    case = row.case
    predicted = {True: "positive", False: "negative", None: "undetermined"}
    sizes = (case.reference_ml, case.predicted_ml) if in_mm else (case.reference, case.predicted)
    surfaces = case.surfaces_mm if in_mm else case.surfaces
    overlap = bool(case.reference)
    return [
        row.volume,
        row.label,
        predicted[case.positive],
        *("" if size is None else f"{size:,.1f}" if in_mm else f"{size:,}" for size in sizes),
        f"{case.dice:.3f}" if overlap else "",
        f"{surfaces.hd95:.1f}" if overlap and surfaces else "",
        f"{case.lesions.detected} of {case.lesions.reference}" if case.lesions and overlap else "",
        str(case.lesions.false_positives) if case.lesions else "",
    ]


def _value(name: str, estimate: Estimate) -> str:
    metric = METRICS[name]
    if metric.unit not in ("distance", "volume"):
        return with_interval(estimate, metric.percent)
    if estimate.value != estimate.value:
        return "undefined"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.1f} (no interval)"
    return f"{estimate.value:.1f} ({estimate.low:.1f} to {estimate.high:.1f})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
