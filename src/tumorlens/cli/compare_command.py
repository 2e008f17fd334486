"""tumorlens compare: two evaluated runs -> the paired difference between them, with its interval."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.common import BootstrapSize, Json, Panel, Seed, caveat, grid, loading, print_json, print_status, show

if TYPE_CHECKING:
    from tumorlens.comparison.paired_classification import Comparison


def compare(
    first: Annotated[Path, typer.Argument(help="An evaluated run, the reference.", show_default=False)],
    second: Annotated[Path, typer.Argument(help="An evaluated run to compare with it.", show_default=False)],
    evaluation: Annotated[
        str,
        typer.Option(
            help="Name of the evaluation in both runs: test, val, or an external table.", rich_help_panel=Panel.DATA
        ),
    ] = "test",
    common: Annotated[
        bool,
        typer.Option(
            "--common/--no-common",
            help="If the test images differ, compare on those that both runs have.",
            rich_help_panel=Panel.DATA,
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            dir_okay=False,
            help="Also write the result, .json, or a page, .html.",
            show_default=False,
            rich_help_panel=Panel.OUTPUT,
        ),
    ] = None,
    n_resamples: BootstrapSize = 2000,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Compare two runs on the same test images. The paired difference with its interval, and McNemar's test."""
    with loading():
        from tumorlens._record import Record, write_json
        from tumorlens.comparison.compare import compare as compare_runs
        from tumorlens.comparison.comparison_page import comparison_page
        from tumorlens.report import save_page
        from tumorlens.training import load_run

    record = Record("compare")
    comparison = compare_runs(
        load_run(first), load_run(second), evaluation=evaluation, common=common, n_resamples=n_resamples, seed=seed
    )
    if output:
        hashes = [side.facts.split_hash for side in (comparison.first, comparison.second) if side.facts]
        facts = comparison.facts.model_dump(mode="json") if comparison.facts else {}
        record.add(**facts, runs=[first, second], split_hashes=hashes, device="cpu", outputs=[output.name])
        if output.suffix.lower() in (".html", ".htm"):
            save_page(comparison_page(comparison, record.facts), output)
        else:
            write_json(comparison.to_dict(), output)
        record.write(output.parent, f"{output.stem}.run.json")
    if json:
        return print_json(comparison.to_dict())
    _show(comparison)
    if output:
        print_status(f"written: {output}")


def _show(comparison: Comparison) -> None:
    """Print the metrics of both runs, their difference, the conclusion and the caveats."""
    from tumorlens.comparison.paired_classification import TEST
    from tumorlens.metrics.names import METRICS
    from tumorlens.report.text import points, signed

    one, two = comparison.first, comparison.second
    measured = f"{comparison.facts.data}, {comparison.facts.subset}: " if comparison.facts else ""
    show(f"{measured}{comparison.accuracy.evidence}\n")
    table = grid(
        "",
        *(f"{run.name}\n{run.facts.model}" if run.facts else run.name for run in (one, two)),
        "difference, paired\n(95 % interval)",
    )
    for name in ("accuracy", "balanced_accuracy"):
        both = (getattr(side, name).percent() for side in (one, two))
        table.add_row(METRICS[name].title, *both, points(getattr(comparison, name)))
    table.add_row("correct only here", str(one.only_correct), str(two.only_correct), f"p = {comparison.p_value:.3g} *")
    conclusions = [comparison.conclusion]
    if masks := comparison.segmentation:
        for name in ("dice", "hd95"):
            if name in masks.difference:
                title = METRICS[name].title_in(masks.distance_unit)
                title += ", lower is better" if METRICS[name].direction == "lower" else ""
                table.add_row(title, str(masks.first[name]), str(masks.second[name]), signed(masks.difference[name]))
        conclusions.append(masks.conclusion(one.name, two.name))
    show(table)
    show("\n".join([f"* {TEST}\n", *conclusions]))
    for text in comparison.caveats:
        caveat(text)
