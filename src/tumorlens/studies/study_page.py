"""StudyResult -> one HTML page: the conclusion, the findings, the slices with contours, and the series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tumorlens.report import (
    Blocks,
    CaptionedImage,
    PageFooter,
    Section,
    Tile,
    key_values,
    note,
    paragraph,
    render_page,
    table,
    tiles,
    verdict,
)
from tumorlens.report.blocks import strip_of_images
from tumorlens.report.text import number
from tumorlens.studies.slice_images import shown_slices, slice_image
from tumorlens.studies.study_result import Finding, StudyResult, StudySlice

_MOST = 60  # images of slices on a page
_CONCLUSIONS = {True: "finding above the limit", False: "no finding above the limit", None: "undetermined"}
_DOES_NOT_ESTABLISH = (
    "It does not establish that a head is healthy, nor that a finding is a tumor: read the slices. "
    "A tumor that is smaller than the limit, or unlike those of the training data, is not found."
)


def study_page(result: StudyResult, record: Mapping[str, Any] | None = None) -> str:
    """The page of one study.

    Args:
        result: of the study.
        record: of the command, for the footer; None where there is none.
    """
    volume = result.volume
    spacing = " x ".join(f"{mm:.3g}" for mm in volume.spacing) + " mm" if volume.spacing else "spacing unknown"
    sections = [
        Section("Result", _result_blocks(result)),
        *([Section("Findings", _findings(result))] if result.findings else []),
        Section("Slices", _slices(result), lead=_slices_lead(result)),
        Section(
            "Series",
            _series(result),
            lead="Which series was predicted, and why. T1 after contrast alone is enough: no other series is needed.",
        ),
    ]
    subtitle = f"{volume.plane} series of {len(volume)} slices, {spacing}; model {result.model}"
    return render_page("Study", subtitle, sections, PageFooter.of(record))


def _result_blocks(result: StudyResult) -> Blocks:
    heads = result.acquired_slices
    ood = result.ood_slices
    largest = result.findings[0] if result.findings else None
    volume = "" if largest is None else f"{largest.voxels:,} voxels" if largest.ml is None else f"{largest.ml:.1f} ml"
    items = [
        Tile("Conclusion", _CONCLUSIONS[result.positive], hint=result.undetermined or str(result.limit)),
        Tile("Findings", str(len(result.findings)), hint=f"largest {volume}" if volume else "none segmented"),
        Tile("Slices with a head", str(len(heads)), hint=f"of {len(result.volume)}"),
    ]
    if ood is not None:
        items.append(Tile("Out of distribution", f"{ood}", hint=f"of {len(heads)} slices"))
    blocks = tiles(items) + verdict([f"{result.summary[:1].upper()}{result.summary[1:]}."], _DOES_NOT_ESTABLISH, "info")
    for flag in result.flags:
        blocks += note("warning", f"{flag[:1].upper()}{flag[1:]}.")
    return blocks


def _findings(result: StudyResult) -> Blocks:
    headers = ("finding", "class", "tumor probability", "ml", "long x short axis, mm", "slices", "above the limit")
    rows = [_finding_row(one, result) for one in result.findings]
    blocks = table(headers, rows, "lllrrll", reading="findings")
    for one in result.findings:
        if one.flags:
            blocks += note("warning", f"Finding {one.number}: {'; '.join(one.flags)}.")
    images = [
        CaptionedImage(
            slice_image(result, one.largest_slice, one),
            f"finding {one.number}: {one}\nslice {one.largest_slice + 1} of {len(result.volume)}, the largest of it",
            f"Slice {one.largest_slice + 1} with the contour of finding {one.number} and its two diameters",
        )
        for one in result.findings
    ]
    return blocks + strip_of_images(images, longest=420)


def _finding_row(one: Finding, result: StudyResult) -> tuple[str, ...]:
    axes = (
        "unknown"
        if one.long_axis_mm is None or one.short_axis_mm is None
        else f"{one.long_axis_mm:.1f} x {one.short_axis_mm:.1f}"
    )
    return (
        str(one.number),
        f"{one.label} {number(one.probabilities[one.label], percent=True)}",
        number(one.tumor_probability, percent=True),
        f"{one.voxels:,} voxels" if one.ml is None else f"{one.ml:.2f}",
        axes,
        f"{one.first_slice + 1} to {one.last_slice + 1}",
        {True: "yes", False: "no", None: "unknown"}[one.above_limit],
    )


def _slices_lead(result: StudyResult) -> str:
    heads, shown = len(result.acquired_slices), len(shown_slices(result, _MOST))
    part = "All" if shown == heads else f"{shown} of {heads}"
    return f"{part} slices with a head, in their order; scroll sideways. The contour is that of the findings."


def _slices(result: StudyResult) -> Blocks:
    by_index = {one.index: one for one in result.acquired_slices}
    images = [
        CaptionedImage(
            slice_image(result, index),
            _caption(by_index[index], len(result.volume)),
            f"Slice {index + 1} of {len(result.volume)}",
        )
        for index in shown_slices(result, _MOST)
    ]
    return strip_of_images(images, longest=320)


def _caption(one: StudySlice, count: int) -> str:
    parts = [f"{one.index + 1} of {count}: {one.label} {number(one.probabilities[one.label], percent=True)}"]
    if one.finding_pixels:
        parts.append(f"{one.finding_pixels:,} px of a finding")
    elif one.segmented_pixels:
        parts.append(f"{one.segmented_pixels:,} px segmented, in no finding")
    if one.ood:
        parts.append("out of distribution")
    return "\n".join(parts)


def _series(result: StudyResult) -> Blocks:
    choice = result.choice
    facts: list[tuple[str, object]] = []
    if choice.series:
        facts.append(("series", f"{choice.series['series_number']} {choice.series['description']}".strip()))
    facts += [
        ("T1 after contrast", choice.use),
        ("reason", choice.reason),
        ("chosen by", "the rule of tumorlens" if choice.chosen == "rule" else "the user, who named it"),
        ("planes predicted", ", ".join(result.planes)),
        ("rule for findings", result.rule),
        ("limit", result.limit),
    ]
    blocks = key_values(facts)
    if choice.passed_over:
        rows = [
            (f"{one['series_number']} {one['description']}".strip(), one["size"][0], one["plane"], one["reason"])
            for one in choice.passed_over
        ]
        headers = ("series passed over", "slices", "plane", "reason")
        blocks += table(headers, rows, "lrll", reading="passed_over")
    elif choice.series:
        blocks += paragraph("The study has no other series.")
    for one in choice.refused:
        frames = "1 frame" if one["frames"] == 1 else f"{one['frames']} frames"
        blocks += note("warning", f"Left out: {frames}, {one['reason']}.")
    return blocks
