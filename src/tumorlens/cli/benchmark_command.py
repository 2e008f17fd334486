"""tumorlens benchmark: names of networks -> their size, speed and memory, by backend."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.common import (
    ExitCode,
    Json,
    Panel,
    caveat,
    choice,
    fail,
    grid,
    loading,
    print_json,
    print_status,
    progress,
    show,
)

if TYPE_CHECKING:
    from tumorlens.benchmarking.benchmark_result import Benchmark, NetworkCost, SpeedMeasurement

NetworkNames = Annotated[
    list[str] | None,
    typer.Argument(help="Names of networks; all of them if no run is given.", show_default=False),
]
Runs = Annotated[
    list[Path] | None,
    typer.Option(
        "--run",
        help="An evaluated run: its network as trained, and its accuracy; repeatable.",
        show_default=False,
        rich_help_panel=Panel.MODEL,
    ),
]
Backends = Annotated[
    list[str] | None,
    typer.Option(
        help="pytorch, channels-last, onnxruntime or openvino; repeatable; all installed ones by default.",
        show_default=False,
        rich_help_panel=Panel.MEASUREMENT,
    ),
]
BatchSizes = Annotated[
    list[int] | None,
    typer.Option(
        "--batch-size",
        min=1,
        help="Batch size, besides 1; repeatable; 32 by default.",
        show_default=False,
        rich_help_panel=Panel.MEASUREMENT,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1, help="CPU threads; PyTorch's number by default.", show_default=False, rich_help_panel=Panel.HARDWARE
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        dir_okay=False,
        help="Also write all measurements, .csv.",
        show_default=False,
        rich_help_panel=Panel.OUTPUT,
    ),
]
Plot = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False,
        help="Plot the accuracy of the runs against cost: .svg, .png or .pdf.",
        show_default=False,
        rich_help_panel=Panel.OUTPUT,
    ),
]
XAxis = Annotated[
    str,
    choice("--x-axis", "multiply-adds", "parameters", "latency", help="The cost in the plot.", panel=Panel.OUTPUT),
]
Classes = Annotated[
    int, typer.Option(min=2, help="Number of classes of the named networks.", rich_help_panel=Panel.MODEL)
]
Device = Annotated[str, choice("--device", "cpu", "cuda", help="Device of the PyTorch backends.", panel=Panel.HARDWARE)]
Seconds = Annotated[
    float,
    typer.Option(help="Measuring time per network, backend, batch size and round.", rich_help_panel=Panel.MEASUREMENT),
]
Rounds = Annotated[
    int,
    typer.Option(
        min=1, help="Number of rounds; each round measures everything once.", rich_help_panel=Panel.MEASUREMENT
    ),
]


def benchmark(
    names: NetworkNames = None,
    run: Runs = None,
    backend: Backends = None,
    batch_size: BatchSizes = None,
    classes: Classes = 4,
    device: Device = "cpu",
    threads: Threads = None,
    seconds: Seconds = 1.0,
    rounds: Rounds = 3,
    output: Output = None,
    plot: Plot = None,
    x_axis: XAxis = "multiply-adds",
    json: Json = False,
) -> int:
    """Benchmark networks. Size, speed, latency and memory, by backend; about a minute per network."""
    if plot and not run:
        raise typer.BadParameter("--plot needs --run, the evaluated runs whose accuracies it shows")
    with loading():
        from tumorlens._record import Record
        from tumorlens.benchmarking.benchmark import benchmark as run_benchmark
        from tumorlens.benchmarking.benchmark_plot import cost_chart
        from tumorlens.report.plots import save_chart
        from tumorlens.report.plots.standalone import SUFFIXES
        from tumorlens.training import load_run

    if plot and plot.suffix.lower() not in SUFFIXES:
        raise typer.BadParameter(
            f"{plot} found; expected a name that ends with {', '.join(SUFFIXES)}", param_hint="--plot"
        )
    record = Record("benchmark", device=device)
    runs = [load_run(folder) for folder in run or ()]
    with progress() as step:
        result = run_benchmark(
            names or (),
            runs=runs,
            backends=backend or (),
            batches=batch_size or (32,),
            classes=classes,
            device=device,
            threads=threads,
            seconds=seconds,
            rounds=rounds,
            progress=step,
        )
    written = [path for path in (output, plot) if path]
    if output:
        result.write_csv(output)
    if plot:
        save_chart(cost_chart(result, x_axis), plot)
    if written:
        record.add(
            machine=result.machine.to_dict(),
            settings=result.settings.to_dict(),
            runs=run or [],
            failed=result.failed,
            outputs=[path.name for path in written],
        )
        record.write(written[0].parent, f"{written[0].stem}.run.json")
    if json:
        print_json(result.to_dict())
    else:
        _show(result)
    for line in result.failed:
        fail(line)
    for path in written:
        print_status(f"written: {path}")
    return ExitCode.FAILED if result.failed else ExitCode.DONE


def _show(found: Benchmark) -> None:
    """Print the machine, one table of all measurements, and the caveats."""
    show(_setting(found))
    sizes = sorted({m.batch for m in found.measurements})
    rates = [f"images/s\nbatch {size}" for size in sizes]
    table = grid("\nnetwork", "\nbackend", *rates, "p50\nms", "p95\nms", f"peak MB\nbatch {sizes[-1]}")
    for column in table.columns[2:]:
        column.justify = "right"
    for cost in found.networks:
        mine = [m for m in found.measurements if m.network == cost.name]
        rows = [
            _row({m.batch: m for m in mine if m.backend == backend}, sizes)
            for backend in dict.fromkeys(m.backend for m in mine)
        ]
        for line, row in itertools.zip_longest(_size_lines(cost), rows, fillvalue=None):
            table.add_row(line, *(row or ()))
    show(table)
    if found.machine.graphics_card:
        show("pytorch and channels-last: on the GPU, with its peak memory; the others: on the CPU")
    for cost in found.networks:
        for one in cost.accuracies:
            show(f"{cost.name}, {one.run}: accuracy {one.accuracy.percent()} on {one.data}")
    for text in found.caveats:
        caveat(text)


def _size_lines(facts: NetworkCost) -> list[str]:
    """Name and size of a network, one line each."""
    lines = [
        facts.name,
        f"  {facts.parameters / 1e6:.2f} M parameters",
        f"  {facts.multiply_adds / 1e9:.3g} G mult.-adds",
    ]
    return lines if facts.onnx_bytes is None else [*lines, f"  {facts.onnx_bytes / 1e6:.1f} MB as ONNX"]


def _row(by_size: dict[int, SpeedMeasurement], sizes: list[int]) -> list[str]:
    """Backend, images per second of each batch size, latency of one image, peak memory of the largest batch."""
    one, most = by_size[1], by_size[sizes[-1]]
    peak = most.peak_device_memory or most.peak_memory
    return [
        one.backend,
        *(_rounded(by_size[size].images_per_second) for size in sizes),
        _rounded(one.p50_ms),
        _rounded(one.p95_ms),
        "-" if peak is None else f"{peak / 1e6:,.0f}",
    ]


def _rounded(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _setting(found: Benchmark) -> str:
    """The machine and the settings, in two lines."""
    machine, settings, versions = found.machine, found.settings, found.machine.versions
    names = {"torch": "PyTorch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
    known = ", ".join(f"{name} {versions[key]}" for key, name in names.items() if key in versions)
    card = f", {machine.graphics_card}" if machine.graphics_card else ""
    kept = {True: "; PyTorch keeps freed memory", False: "; PyTorch returns freed memory", None: ""}
    threads = "1 thread" if machine.threads == 1 else f"{machine.threads} threads"
    rounds = "1 round" if settings.rounds == 1 else f"median of {settings.rounds} rounds"
    return (
        f"{machine.processor}, {machine.cores} cores, {threads} used{card}; {known}\n"
        f"forward pass in {settings.precision}, untrained weights; {rounds} of {settings.seconds:g} s, one "
        f"process each{kept[settings.freed_memory_kept]}\n"
    )
