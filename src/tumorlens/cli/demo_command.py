"""tumorlens demo: everything at once, on phantoms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tumorlens.cli.common import Json, Seed, console, emit, loading, say


def demo(
    out: Annotated[Path | None, typer.Option(help="A new folder; ./tumorlens-demo if left out.")] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Go the whole way on drawn heads. Needs no network and no data; takes under three minutes."""
    with loading():
        from tumorlens.demo import demo as work
    folder = out or _free(Path("tumorlens-demo"))
    report = work(folder, seed=seed, console=console())
    if json:
        return emit({"report": str(report), "folder": str(folder)})
    say("")
    print(f"report: {report.resolve()}")


def _free(path: Path) -> Path:
    """The path, or the first of path-2, path-3 ... that does not exist."""
    candidates = [path, *(path.with_name(f"{path.name}-{n}") for n in range(2, 1000))]
    return next(c for c in candidates if not c.exists())
