"""Reproduction -> reproduction.json, report.html and run.json in one folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tumorlens._record import Record, write_json
from tumorlens.experiments.reproduction.protocol_result import ProtocolResult, ReproductionRow, claimed, rests_on, told
from tumorlens.experiments.reproduction.reproduction_result import Reproduction
from tumorlens.report import Note, Section, code, details, figure, key_values, note, render_page, save_page, table
from tumorlens.report.plots import IntervalChart, IntervalRow

JSON, HTML = "reproduction.json", "report.html"
HEADINGS = ("claimed", "published protocol", "honest protocol")


def write_reproduction(found: Reproduction, folder: Path, record: Record) -> None:
    """Write all that a reproduction leaves beside its two runs; run.json comes last.

    Args:
        found: both protocols, run.
        folder: that of the runs.
        record: of the command; gets the facts.
    """
    write_json(found.to_dict(), folder / JSON)
    save_page(reproduction_page(found, folder), folder / HTML)
    sides = (found.published, found.honest)
    record.add(
        system=found.system.name,
        **found.facts,
        split_hashes=[side.run.record.split_hash for side in sides],
        outputs=[JSON, HTML, *(side.protocol.name for side in sides)],
    )
    record.write(folder)


def reproduction_page(found: Reproduction, folder: Path) -> str:
    """The whole page."""
    quick = " A quick run: small budget, few images." if found.facts["quick"] else ""
    return render_page(
        f"{found.system.title}: claimed and measured",
        f"{found.ran} on {found.facts['data']}, the published protocol beside an honest one.{quick}",
        [_table(found), _protocols(found), _run(found), _doubts(found), _next(folder)],
        footer=(
            f"95 % intervals: bootstrap, {found.facts['n_resamples']} resamples, seed {found.facts['seed']}; of a claim "
            "Wilson's, for so many independent images.",
            *(
                f"Split of the {side.protocol.name} protocol {side.run.record.split_hash[:16]}."
                for side in (found.published, found.honest)
            ),
        ),
    )


def lines(rows: Iterable[ReproductionRow]) -> list[tuple[str, str, str, str]]:
    """The table in words: each figure, and below it what it rests on."""
    found = []
    for row in rows:
        estimates = (row.claimed, row.published, row.honest)
        measured = (told(row.figure, one) for one in estimates[1:])
        found.append((row.label, claimed(row.figure, row.claimed), *measured))
        found.append(("  measured on", *(rests_on(one) for one in estimates)))
    return found  # type: ignore[return-value]  # three each


def _table(found: Reproduction) -> Section:
    first = found.rows[0]
    estimates = (first.claimed, first.published, first.honest)
    names = (f"claimed {claimed(first.figure, first.claimed).partition(' (')[0]}", *HEADINGS[1:])
    forest = [IntervalRow(name, estimate) for name, estimate in zip(names, estimates, strict=True) if estimate]
    body = table(("", *HEADINGS), lines(found.rows))
    body += note("danger", found.why) + note("info", found.reading)
    if found.budget:
        body += note("warning", found.budget)
    body += figure(IntervalChart(forest), "Accuracy with its 95 % interval.")
    return Section("Claimed, published, honest", body, "The same network, recipe and budget, twice.")


def _protocols(found: Reproduction) -> Section:
    sides = (found.published, found.honest)
    rows = [(name, *(_of(side, name) for side in sides)) for name in ("train", "val", "test")]
    rows += [
        ("epochs trained", *(str(side.run.record.epochs_trained) for side in sides)),
        ("epoch kept", *(str(side.run.record.epoch_kept) for side in sides)),
        ("seconds", *(f"{side.run.record.seconds['total']:.0f}" for side in sides)),
    ]
    body = key_values((f"{side.protocol.name.capitalize()} protocol", side.protocol.rule) for side in sides)
    return Section("The two protocols", body + table(("", "published", "honest"), rows))


def _run(found: Reproduction) -> Section:
    record, recipe, machine = found.honest.run.record, found.honest.recipe, found.facts["machine"]
    device = machine["graphics_card"] or machine["processor"]
    versions = record.versions
    facts = [
        ("Network", found.ran),
        ("Weights began as", "none, from scratch" if record.pretrained == "none" else record.pretrained),
        ("Recipe", f"{recipe.name}, written out below"),
        ("Input", f"{found.side} x {found.side} pixels"),
        ("Budget", f"at most {recipe.epochs} epochs, batches of {recipe.batch_size}, {record.precision}"),
        ("Seed", found.facts["seed"]),
        ("Images", f"{found.facts['images']:,} of {found.facts['data']}"),
        ("Machine", f"{device}, {machine['cores']} cores, {record.threads} used"),
        ("Versions", f"tumorlens {versions['tumorlens']}, PyTorch {versions.get('torch', '')}"),
    ]
    own = found.published.protocol.overrides
    changed = note("info", f"The published protocol also sets {', '.join(own)}.") if own else ()
    return Section("What was run", key_values(facts) + changed + details("The recipe", code(recipe.to_yaml())))


def _doubts(found: Reproduction) -> Section:
    texts = [text for text in found.caveats if text != found.budget]  # that one stands at the top
    return Section("Before you quote it", tuple(Note("warning", text) for text in texts))


def _next(folder: Path) -> Section:
    runs = [folder / name for name in ("published", "honest")]
    commands = (
        "# both are ordinary runs, each with its evaluation",
        f"tumorlens compare {runs[0]} {runs[1]} --common",
        f"tumorlens export {runs[1]}",
    )
    return Section("What to do with the runs", code("\n".join(commands)))


def _of(side: ProtocolResult, part: str) -> str:
    """Images and patients of a part, as the run counted them."""
    counts = side.run.record.counts.get(part)
    if not counts:
        return "none"
    patients = f", {counts.patients:,} patients" if counts.patients else ""
    return f"{counts.images:,} images{patients}"
