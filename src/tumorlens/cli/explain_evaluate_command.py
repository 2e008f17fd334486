"""tumorlens explain --evaluate: run + images with true masks -> how far each kind of map can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tumorlens.cli.common import caveat, emit, grid, loading, say, show, stages

if TYPE_CHECKING:
    from tumorlens.explanation.faithfulness import Faithfulness
    from tumorlens.stats import Estimate


def explain_evaluate(
    run: Path,
    out: Path,
    *,
    data: list[str] | None,
    methods: list[str] | None,
    limit: int | None,
    rectangles: bool,
    n_resamples: int,
    seed: int,
    json: bool,
) -> int:
    """Measure maps, write the folder, and print the table."""
    with loading():
        from tumorlens._memory import keep_freed_memory
        from tumorlens._record import Record
        from tumorlens.datasets import open_tables
        from tumorlens.explanation.faithfulness import measure_maps
        from tumorlens.explanation.faithfulness.faithfulness_files import write_trust
        from tumorlens.explanation.faithfulness.measure_faithfulness import LIMIT
        from tumorlens.training import load_run

    record = Record("explain --evaluate")
    keep_freed_memory()
    loaded = load_run(run)
    table = open_tables(data, unannotated="ignore") if data else None  # what has no mask does not count
    with stages() as step:
        found = measure_maps(
            loaded,
            table=table,
            methods=None if methods and "all" in methods else methods,
            limit=LIMIT if limit is None else limit,
            rectangles=rectangles,
            n_resamples=n_resamples,
            seed=seed,
            progress=step,
        )
        record.lap("measuring")
        step("writing", 0, 1)
        write_trust(loaded, found, out, record)
        step("writing", 1, 1)
    if json:
        emit(found.to_dict() | {"folder": str(out)})
        return 0
    _show(found)
    say(f"written: {out / 'report.html'}")
    return 0


def _show(found: Faithfulness) -> None:
    """The figures side by side, what follows from them, and what must be known about them."""
    from tumorlens.explanation.faithfulness import FIGURES
    from tumorlens.explanation.faithfulness.faithfulness_result import STAMP
    from tumorlens.explanation.faithfulness.faithfulness_text import conclusion

    facts = found.facts
    show(f"maps of {facts['model']} on {facts['data']}, {facts['part']}: {facts['evidence']}\n")
    headings = [f"{figure.title}\n{'low is good' if figure.low_is_good else ''}" for figure in FIGURES.values()]
    table = grid("", *headings, "sanity\ncheck")
    for row in found.rows:
        stamp = STAMP if row.sanity and row.sanity.fails else "control" if row.control else ""
        cells = (_cell(row.figures[key]) for key in FIGURES)
        table.add_row(f"{row.title}\n{stamp}", *cells, _cell(row.sanity.rank) if row.sanity else "")
    show(table)
    show(f"\n{conclusion(found)}")
    for text in found.caveats:
        caveat(text)


def _cell(figure: Estimate) -> str:
    """The value, and below it the interval: eight columns fit on a screen."""
    from tumorlens.report.text import interval, number

    return f"{number(figure.value)}\n{interval(figure)}"
