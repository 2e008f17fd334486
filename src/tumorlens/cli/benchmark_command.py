"""tumorlens benchmark: names of networks -> what each costs, by backend."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tumorlens.cli.common import Json, caveat, emit, fail, grid, loading, progress, say, show

if TYPE_CHECKING:
    from tumorlens.benchmarking.benchmark_result import Benchmark, SpeedMeasurement, NetworkCost

_AGAINST = ("multiply-adds", "parameters", "milliseconds")


def benchmark(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of networks; all where no run is given.", show_default=False)
    ] = None,
    run: Annotated[
        list[Path] | None,
        typer.Option("--run", help="An evaluated run: its network as trained, and its accuracy; repeatable."),
    ] = None,
    backend: Annotated[
        list[str] | None,
        typer.Option(help="pytorch, channels-last, onnxruntime or openvino; repeatable; all installed if left out."),
    ] = None,
    batch: Annotated[
        list[int] | None, typer.Option(min=1, help="Images in a pass, beside 1; repeatable; 32 if left out.")
    ] = None,
    classes: Annotated[int, typer.Option(min=2, help="Of networks given by name.")] = 4,
    device: Annotated[str, typer.Option(help="Of the PyTorch backends: cpu or cuda.")] = "cpu",
    threads: Annotated[
        int | None, typer.Option(min=1, help="Of the CPU; PyTorch's choice if left out.", show_default=False)
    ] = None,
    seconds: Annotated[float, typer.Option(help="Of passes, for each network, backend, batch and round.")] = 1.0,
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is measured, in turn.")] = 3,
    out: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Also write all figures, .csv.", show_default=False)
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Draw the runs' accuracy against cost, .svg.", show_default=False),
    ] = None,
    against: Annotated[
        str, typer.Option(help="The cost in the plot: multiply-adds, parameters or milliseconds.")
    ] = "multiply-adds",
    json: Json = False,
) -> int:
    """Measure what networks cost. Size, speed, latency and memory, by backend; about a minute a network."""
    if plot and not run:
        raise typer.BadParameter("--plot needs --run, the evaluated runs whose accuracies it shows")
    if against not in _AGAINST:
        raise typer.BadParameter(f"'{against}' for --against; expected {', '.join(_AGAINST)}")
    with loading():
        from tumorlens._files import atomic_write
        from tumorlens._record import Record
        from tumorlens.benchmarking.benchmark import benchmark as work
        from tumorlens.benchmarking.benchmark_plot import plot as drawn
        from tumorlens.training import load_run

    record = Record("benchmark", device=device)
    runs = [load_run(folder) for folder in run or ()]
    with progress("measuring") as step:
        found = work(
            names or (),
            runs=runs,
            backends=backend or (),
            batches=batch or (32,),
            classes=classes,
            device=device,
            threads=threads,
            seconds=seconds,
            rounds=rounds,
            progress=step,
        )
    written = [path for path in (out, plot) if path]
    if out:
        found.write_csv(out)
    if plot:
        with atomic_write(plot) as part:
            part.write_text(drawn(found, against), encoding="utf-8")
    if written:
        record.add(machine=found.machine, runs=run or [], failed=found.failed, outputs=[path.name for path in written])
        record.write(written[0].parent, f"{written[0].stem}.run.json")
    if json:
        emit(found.to_dict())
    else:
        _show(found)
    for line in found.failed:
        fail(line, 1)
    for path in written:
        say(f"written: {path}")
    return 1 if found.failed else 0


def _show(found: Benchmark) -> None:
    """The machine, one table, and what must be known about it."""
    machine = found.machine
    show(_words(machine))
    sizes = sorted({m.batch for m in found.measurements})
    rates = [f"images/s\nbatch {size}" for size in sizes]
    table = grid("\nnetwork", "\nbackend", *rates, "p50\nms", "p95\nms", f"peak MB\nbatch {sizes[-1]}")
    for column in table.columns[2:]:
        column.justify = "right"
    for facts in found.networks:
        mine = [m for m in found.measurements if m.network == facts.name]
        rows = [
            _row({m.batch: m for m in mine if m.backend == backend}, sizes)
            for backend in dict.fromkeys(m.backend for m in mine)
        ]
        for words, row in itertools.zip_longest(_lines(facts), rows, fillvalue=None):
            table.add_row(words, *(row or ()))
    show(table)
    if machine["graphics_card"]:
        show("pytorch and channels-last: on the graphics card, peak of its memory; the others on the CPU")
    for facts in found.networks:
        for score in facts.scores:
            show(f"{facts.name}, {score.run}: accuracy {score.accuracy.percent()} on {score.data}")
    for text in found.caveats:
        caveat(text)


def _lines(facts: NetworkCost) -> list[str]:
    """What is known of a network without running it, one below the other beside its backends."""
    lines = [
        facts.name,
        f"  {facts.parameters / 1e6:.2f} M parameters",
        f"  {facts.multiply_adds / 1e9:.3g} G mult.-adds",
    ]
    return lines if facts.on_disk is None else [*lines, f"  {facts.on_disk / 1e6:.1f} MB as ONNX"]


def _row(by_size: dict[int, SpeedMeasurement], sizes: list[int]) -> list[str]:
    """Backend, images a second of each batch, latency of one image, peak of memory of the largest batch."""
    one, most = by_size[1], by_size[sizes[-1]]
    peak = most.peak_device_memory or most.peak_memory
    return [
        one.backend,
        *(_figure(by_size[size].images_per_second) for size in sizes),
        _figure(one.p50),
        _figure(one.p95),
        "-" if peak is None else f"{peak / 1e6:,.0f}",
    ]


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _words(machine: dict[str, Any]) -> str:
    """What it was measured on and how, in two lines."""
    versions = machine["versions"]
    names = {"torch": "PyTorch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
    known = ", ".join(f"{name} {versions[key]}" for key, name in names.items() if key in versions)
    card = f", {machine['graphics_card']}" if machine["graphics_card"] else ""
    kept = {True: "; PyTorch's freed memory is kept", False: "; PyTorch's freed memory is given back", None: ""}
    threads = "1 thread" if machine["threads"] == 1 else f"{machine['threads']} threads"
    rounds = "1 round" if machine["rounds"] == 1 else f"median of {machine['rounds']} rounds"
    return (
        f"{machine['processor']}, {machine['cores']} cores, {threads} used{card}; {known}\n"
        f"forward pass in {machine['precision']}, untrained weights; {rounds} of {machine['seconds']:g} s, a fresh "
        f"process each"
        f"{kept[machine['freed_memory_kept']]}\n"
    )
