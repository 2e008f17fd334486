"""Reproduction -> reproduction.json, report.html and run.json in one folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tumorlens._record import Record, write_json
from tumorlens.experiments.reproduction.protocol_result import (
    ProtocolResult,
    ReproductionRow,
    format_claim,
    format_estimate,
    format_sample_size,
)
from tumorlens.experiments.reproduction.reproduction_result import Reproduction
from tumorlens.report import (
    Note,
    PageFooter,
    Section,
    code,
    details,
    figure,
    key_values,
    links,
    note,
    render_page,
    save_page,
    table,
    verdict,
)
from tumorlens.report.plots import IntervalChart, IntervalRow

REPRODUCTION, REPORT = "reproduction.json", "report.html"
HEADINGS = ("claimed", "published protocol", "leak-free protocol")

_LIMIT = (
    "That the authors made this mistake, or that their method is worse than others. It compares two protocols of this "
    "code on this data; the code of the authors was not run."
)


def write_reproduction(reproduction: Reproduction, folder: Path, record: Record) -> None:
    """Write the files of a reproduction beside its two runs; run.json comes last.

    Args:
        reproduction: the results of both protocols.
        folder: of the runs.
        record: of the command; method, data and splits are added to it.
    """
    write_json(reproduction.to_dict(), folder / REPRODUCTION)
    save_page(reproduction_page(reproduction, folder, record.facts), folder / REPORT)
    record.add(
        method=reproduction.method.name,
        data=reproduction.data,
        images=reproduction.images,
        quick=reproduction.quick,
        seed=reproduction.seed,
        n_resamples=reproduction.n_resamples,
        hardware=asdict(reproduction.hardware),
        split_hashes=[result.run.record.split_hash for result in reproduction.protocols],
        outputs=[REPRODUCTION, REPORT, *(result.protocol.name for result in reproduction.protocols)],
    )
    record.write(folder)


def reproduction_page(reproduction: Reproduction, folder: Path, record: Mapping[str, Any] | None = None) -> str:
    """The HTML page of a reproduction.

    Args:
        reproduction: the results of both protocols.
        folder: of the runs.
        record: facts of the run record, for the small print.
    """
    quick = " A quick run: small budget, few images." if reproduction.quick else ""
    return render_page(
        f"Reproduction of {reproduction.method.title}",
        f"{reproduction.network} on {reproduction.data}: the claim, the published protocol and a leak-free one.{quick}",
        [
            _results(reproduction),
            _protocols(reproduction),
            _training(reproduction),
            _caveats(reproduction),
            _next_commands(folder),
        ],
        PageFooter.of(
            record,
            f"95 % intervals: bootstrap, {reproduction.n_resamples} resamples, seed {reproduction.seed}; of a claim, "
            "the Wilson interval for independent images.",
            *(
                f"Split of the {result.protocol.title} protocol: {result.run.record.split_hash[:16]}."
                for result in reproduction.protocols
            ),
            seed=reproduction.seed,
            data_fingerprint=", ".join(
                dict.fromkeys(one.run.record.data_fingerprint for one in reproduction.protocols)
            ),
        ),
    )


def table_rows(rows: Iterable[ReproductionRow]) -> list[tuple[str, str, str, str]]:
    """The cells of the table: each metric, and below it the number of images and patients."""
    cells = []
    for row in rows:
        estimates = (row.claimed, row.published, row.leak_free)
        measured = (format_estimate(row.metric, one) for one in estimates[1:])
        cells.append((row.label, format_claim(row.metric, row.claimed), *measured))
        cells.append(("  measured on", *(format_sample_size(one) for one in estimates)))
    return cells  # type: ignore[return-value]  # three each


def _page_rows(rows: Iterable[ReproductionRow]) -> list[tuple[str, str, str]]:
    """One row for each metric and protocol, so that the table fits a narrow page; a metric without claim has two."""
    cells = []
    for row in rows:
        if row.claimed:
            claim = format_claim(row.metric, row.claimed)
            cells.append((f"{row.label}: {HEADINGS[0]}", claim, format_sample_size(row.claimed)))
        for name, estimate in zip(HEADINGS[1:], (row.published, row.leak_free), strict=True):
            cells.append((f"{row.label}: {name}", format_estimate(row.metric, estimate), format_sample_size(estimate)))
    return cells


def _results(reproduction: Reproduction) -> Section:
    first = reproduction.rows[0]
    estimates = (first.claimed, first.published, first.leak_free)
    claim = format_claim(first.metric, first.claimed).partition(" (")[0]
    names = (f"claimed {claim}", *HEADINGS[1:])
    forest = [IntervalRow(name, estimate) for name, estimate in zip(names, estimates, strict=True) if estimate]
    headers = ("metric and protocol", "value (95 % interval)", "measured on")
    body = table(headers, _page_rows(reproduction.rows), "lrr", reading="reproduction")
    body += note("danger", reproduction.explanation) + verdict(reproduction.conclusion, _LIMIT, "info")
    if reproduction.quick_run_caveat:
        body += note("warning", reproduction.quick_run_caveat)
    body += figure(
        IntervalChart(forest),
        "Accuracy of the claim and of both protocols with 95 % intervals.",
        reading="reproduction_intervals",
    )
    return Section("Results", body, "Both protocols use the same network, recipe and budget.")


def _protocols(reproduction: Reproduction) -> Section:
    results = reproduction.protocols
    rows = [(name, *(_subset_size(result, name) for result in results)) for name in ("train", "val", "test")]
    rows += [
        ("epochs trained", *(str(result.run.record.epochs_trained) for result in results)),
        ("epoch kept", *(str(result.run.record.epoch_kept) for result in results)),
        ("seconds", *(f"{result.run.record.seconds['total']:.0f}" for result in results)),
    ]
    body = key_values((f"{result.protocol.title.capitalize()} protocol", result.protocol.rule) for result in results)
    body += links(
        "The evaluation of each run:",
        [(result.protocol.title, f"{result.protocol.name}/evaluations/test/report.html") for result in results],
    )
    body += table(("", "published", "leak-free"), rows, reading="reproduction_protocols")
    return Section("Protocols", body, "How each protocol splits the images and selects the epoch.")


def _training(reproduction: Reproduction) -> Section:
    record, recipe, hardware = reproduction.leak_free.run.record, reproduction.leak_free.recipe, reproduction.hardware
    versions, side = record.versions, reproduction.image_size
    facts = [
        ("Network", reproduction.network),
        ("Initial weights", "none, from scratch" if record.pretrained == "none" else record.pretrained),
        ("Recipe", f"{recipe.name}, see below"),
        ("Input", f"{side} x {side} pixels"),
        ("Budget", f"at most {recipe.epochs} epochs, batch size {recipe.batch_size}, {record.precision}"),
        ("Seed", reproduction.seed),
        ("Images", f"{reproduction.images:,} of {reproduction.data}"),
        ("Hardware", f"{hardware.device}, {hardware.cores} cores, {record.threads} used"),
        ("Versions", f"tumorlens {versions['tumorlens']}, PyTorch {versions.get('torch', '')}"),
    ]
    own = reproduction.published.protocol.overrides
    overrides = note("info", f"The published protocol also sets {', '.join(own)}.") if own else ()
    blocks = key_values(facts) + overrides + details("Recipe", code(recipe.to_yaml()))
    return Section("Training", blocks, "What both protocols share; the seconds above are of this hardware.")


def _caveats(reproduction: Reproduction) -> Section:
    texts = [text for text in reproduction.caveats if text != reproduction.quick_run_caveat]  # it is in the results
    return Section("Caveats", tuple(Note("warning", text) for text in texts))


def _next_commands(folder: Path) -> Section:
    runs = [folder / name for name in ("published", "leak_free")]
    commands = (
        "# both are complete runs, each with its evaluation",
        f"tumorlens compare {runs[0]} {runs[1]} --common",
        f"tumorlens export {runs[1]}",
    )
    return Section("Next commands", code("\n".join(commands)))


def _subset_size(result: ProtocolResult, subset: str) -> str:
    """Number of images and patients of a subset."""
    counts = result.run.record.counts.get(subset)
    if not counts:
        return "none"
    patients = f", {counts.patients:,} patients" if counts.patients else ""
    return f"{counts.images:,} images{patients}"
