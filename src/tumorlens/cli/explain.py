"""tumorlens explain: run + pictures -> overlays of what spoke for the class."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tumorlens.cli.common import Json, Pictures, emit, fail, files, loading, progress, say
from tumorlens.cli.evaluate import RunFolder


def explain(
    run: RunFolder,
    paths: Pictures,
    out: Annotated[Path, typer.Option("--out", help="Folder for the overlays.")],
    target: Annotated[str | None, typer.Option(help="Class to explain; the predicted one if left out.")] = None,
    json: Json = False,
) -> int:
    """Draw Grad-CAM: the scan, beside it what spoke for the class."""
    with loading():
        from tumorlens.errors import TumorlensError
        from tumorlens.explanation import explain as work
        from tumorlens.record import Record
        from tumorlens.report import overlay, save_png, side_by_side
        from tumorlens.training import load_run

    record = Record("explain", run=str(run), target=target, device="cpu")
    loaded, chosen = load_run(run), files(paths)
    written: list[str] = []
    failed: list[str] = []
    with progress("explaining") as step:
        for number, item in enumerate(work(loaded, chosen, target), start=1):
            step(number, len(chosen))
            if isinstance(item, TumorlensError):
                failed.append(str(item))
                fail(str(item), 1)
                continue
            name = f"{number:04d}_{item.path.stem}_{item.target}.png"
            save_png(side_by_side([overlay(item.grey), overlay(item.grey, item.heatmap)]), out / name)
            written.append(name)
            if json:
                emit({"source": str(item.path), "target": item.target, "overlay": str(out / name)})
    if written:
        record.add(split_hash=loaded.record["split_hash"], outputs=written, failed=failed)
        record.write(out)
        say(f"overlays written: {len(written)}, in {out}")
    return 1 if failed else 0
