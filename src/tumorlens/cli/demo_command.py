"""tumorlens demo: the shipped model on synthetic phantoms, or the whole pipeline trained on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tumorlens.cli.common import Json, Panel, loading, output_folder, print_json, print_status, progress, seed_option


def demo(
    out_dir: Annotated[
        Path | None,
        typer.Option(
            "--out-dir",
            "-o",
            help="A new folder; runs/demo/phantoms by default, runs/demo/training with --train.",
            show_default=False,
            rich_help_panel=Panel.OUTPUT,
        ),
    ] = None,
    train: Annotated[
        bool,
        typer.Option(
            "--train/--no-train",
            help="Also train a small network on phantoms, evaluate, explain and export it; needs the extra train.",
            rich_help_panel=Panel.TRAINING,
        ),
    ] = False,
    seed: Annotated[int, seed_option(Panel.DATA)] = 0,
    json: Json = False,
) -> None:
    """Classify and segment synthetic phantoms, and write a page. Needs no data, no network and no PyTorch.

    Takes under a minute; with --train some minutes.
    """
    with output_folder(out_dir, "demo", "training" if train else "phantoms") as folder:
        if train:
            with loading():
                from tumorlens.demo.training_demo import training_demo
            with progress() as step:
                report = training_demo(folder, seed=seed, progress=step)
            facts, summary = {"report": str(report), "folder": str(folder)}, ""
        else:
            from tumorlens.demo.prediction_demo import prediction_demo

            with progress() as step:
                result = prediction_demo(folder, seed=seed, progress=step)
            report, facts, summary = result.report, result.to_dict() | {"folder": str(folder)}, result.summary
    if json:
        return print_json(facts)
    print_status(summary)
    print(f"report: {report.resolve()}")
