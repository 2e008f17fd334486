"""tumorlens demo: the whole pipeline on synthetic phantoms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tumorlens.cli.common import Json, Panel, Seed, loading, output_folder, print_json, print_status, progress


def demo(
    out_dir: Annotated[
        Path | None,
        typer.Option(
            "--out-dir",
            "-o",
            help="A new folder; runs/demo/phantoms by default.",
            show_default=False,
            rich_help_panel=Panel.OUTPUT,
        ),
    ] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Run the whole pipeline on synthetic phantoms. Needs no data and no network; takes under three minutes."""
    with loading():
        from tumorlens.demo import demo as run_demo
    with output_folder(out_dir, "demo", "phantoms") as folder, progress() as step:
        report = run_demo(folder, seed=seed, progress=step)
    if json:
        return print_json({"report": str(report), "folder": str(folder)})
    print_status("")
    print(f"report: {report.resolve()}")
