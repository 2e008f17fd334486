"""tumorlens explain --evaluate: run + images with reference masks -> faithfulness and localization of its heat maps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tumorlens.cli.common import ExitCode, caveat, grid, loading, print_json, print_status, progress, show, use_threads

if TYPE_CHECKING:
    from tumorlens.deploy.predictor import Device as DeviceName
    from tumorlens.explanation.faithfulness import Faithfulness
    from tumorlens.stats import Estimate


def explain_evaluate(
    run: Path,
    folder: Path,
    *,
    data: list[str] | None,
    methods: list[str] | None,
    limit: int | None,
    allow_box_masks: bool,
    n_resamples: int,
    seed: int,
    device: DeviceName,
    threads: int | None,
    json: bool,
) -> int:
    """Measure the heat maps, write the results, and print the table."""
    with loading():
        from tumorlens._memory import keep_freed_memory
        from tumorlens._record import Record
        from tumorlens._results_folder import claim_folder
        from tumorlens.datasets import open_tables
        from tumorlens.explanation.faithfulness import measure_faithfulness
        from tumorlens.explanation.faithfulness.faithfulness_files import write_faithfulness
        from tumorlens.explanation.faithfulness.measure_faithfulness import DEFAULT_LIMIT
        from tumorlens.training import load_run

    record = Record("explain --evaluate", device=device, threads=use_threads(threads))
    keep_freed_memory()
    loaded = load_run(run).on(device)
    table = open_tables(data, unannotated="ignore") if data else None  # images without a mask are not measured
    with claim_folder(folder), progress() as step:
        faithfulness = measure_faithfulness(
            loaded,
            table=table,
            methods=None if methods and "all" in methods else methods,
            limit=DEFAULT_LIMIT if limit is None else limit,
            allow_box_masks=allow_box_masks,
            n_resamples=n_resamples,
            seed=seed,
            progress=step,
        )
        record.lap("measuring")
        step("writing", 0, 1)
        write_faithfulness(loaded, faithfulness, folder, record)
        step("writing", 1, 1)
    if json:
        print_json(faithfulness.to_dict() | {"folder": str(folder)})
        return ExitCode.DONE
    _show(faithfulness)
    print_status(f"written: {folder / 'report.html'}")
    return ExitCode.DONE


def _show(faithfulness: Faithfulness) -> None:
    """Print the metrics of all methods, the conclusion and the caveats."""
    from tumorlens.explanation.faithfulness import FAITHFULNESS_METRICS
    from tumorlens.explanation.faithfulness.faithfulness_result import SANITY_FAILED
    from tumorlens.explanation.faithfulness.faithfulness_text import conclusion

    facts = faithfulness.facts
    show(f"maps of {facts.model} on {facts.data}, {facts.subset}: {facts.evidence}\n")
    metrics = FAITHFULNESS_METRICS.values()
    headings = [f"{metric.title}\n{'lower is better' if metric.lower_is_better else ''}" for metric in metrics]
    table = grid("", *headings, "sanity\ncheck")
    for row in faithfulness.rows:
        kind = SANITY_FAILED if row.fails else "control" if row.control else ""
        cells = (_cell(row.metrics[key], metric.percent) for key, metric in FAITHFULNESS_METRICS.items())
        table.add_row(
            f"{row.title}\n{kind}", *cells, _cell(row.sanity_check.rank_correlation) if row.sanity_check else ""
        )
    show(table)
    show(f"\n{conclusion(faithfulness)}")
    for text in faithfulness.caveats:
        caveat(text)


def _cell(estimate: Estimate, percent: bool = False) -> str:
    """The value, and below it the interval: eight columns fit on a screen."""
    from tumorlens.report.text import interval, number

    return f"{number(estimate.value, percent)}\n{interval(estimate, percent)}"
