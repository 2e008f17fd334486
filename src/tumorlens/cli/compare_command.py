"""tumorlens compare: two evaluated runs -> how much better the second is, with an interval."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.common import Json, Seed, caveat, emit, grid, loading, say, show

if TYPE_CHECKING:
    from tumorlens.comparison.paired_classification import Comparison


def compare(
    first: Annotated[Path, typer.Argument(help="The run compared with, evaluated.", show_default=False)],
    second: Annotated[Path, typer.Argument(help="Another run, evaluated.", show_default=False)],
    evaluation: Annotated[
        str, typer.Option(help="Folder of the evaluation in both runs; evaluation-NAME for other data.")
    ] = "evaluation",
    common: Annotated[
        bool, typer.Option("--common", help="Where test images differ, compare on those common to both.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Also write the result, as JSON.", show_default=False)] = None,
    n_resamples: Annotated[int, typer.Option(min=100, help="Of the bootstrap over patients.")] = 2000,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Compare two runs on the same test images. The paired difference with its interval, and McNemar's test."""
    with loading():
        from tumorlens._record import Record, write_json
        from tumorlens.comparison.compare import compare as work
        from tumorlens.training import load_run

    record = Record("compare")
    found = work(
        load_run(first), load_run(second), evaluation=evaluation, common=common, n_resamples=n_resamples, seed=seed
    )
    if out:
        write_json(found.to_dict(), out)
        hashes = [side.facts["split_hash"] for side in (found.first, found.second)]
        record.add(**found.facts, runs=[first, second], split_hashes=hashes, device="cpu", outputs=[out.name])
        record.write(out.parent, f"{out.stem}.run.json")
    if json:
        return emit(found.to_dict())
    _show(found)
    if out:
        say(f"written: {out}")


def _show(found: Comparison) -> None:
    """The figures side by side, what follows from them, and what must be known about them."""
    from tumorlens.comparison.paired_classification import TEST
    from tumorlens.report.text import evidence, points, signed

    one, two = found.first, found.second
    show(f"{found.facts['data']}, {found.facts['part']}: {evidence(found.accuracy)}\n")
    table = grid(
        "",
        f"{one.name}\n{one.facts['model']}",
        f"{two.name}\n{two.facts['model']}",
        "difference, paired\n(95 % interval)",
    )
    for name, key in (("accuracy", "accuracy"), ("balanced accuracy", "balanced_accuracy")):
        both = (getattr(side, key).percent() for side in (one, two))
        table.add_row(name, *both, points(getattr(found, key)))
    table.add_row("right where the other is wrong", str(one.only_correct), str(two.only_correct), f"p = {found.p:.3g} *")
    said = found.conclusion
    if drawn := found.drawn:
        for key, name in (("dice", "Dice of the tumor"), ("hd95", f"HD95 ({drawn.distance_unit}), less is better")):
            if key in drawn.difference:
                table.add_row(name, str(drawn.first[key]), str(drawn.second[key]), signed(drawn.difference[key]))
        said += f"\n{drawn.conclusion(one.name, two.name)}"
    show(table)
    show(f"* {TEST}\n\n{said}")
    for text in found.caveats:
        caveat(text)
