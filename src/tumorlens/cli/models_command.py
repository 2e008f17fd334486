"""tumorlens models: the trained models that can predict, shipped or exported, without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tumorlens.cli.common import ExitCode, Json, fail, grid, print_json, print_status, show

Places = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Model files, .onnx, or folders to search; by default runs and *.onnx in the working folder.",
        show_default=False,
    ),
]


def models(places: Places = None, json: Json = False) -> int:
    """List the trained models that can predict. Each name works as `tumorlens predict --model NAME`.

    Lists those that come with tumorlens, then the model files in the places. Exits with 1 if a file that is named
    cannot predict.
    """
    from tumorlens.deploy.model_list import MOST_FILES, list_models

    found = list_models(places or ())
    if json:
        print_json([model.to_dict() for model in found.models])
    else:
        table = grid("name", "classes", "segments", "size", "network", "description")
        for model in found.models:
            cells = "yes" if model.segments else "no", f"{model.bytes / 1e6:.1f} MB", model.network, model.description
            table.add_row(model.name, ", ".join(model.classes), *cells)
        show(table)
    named = {str(place) for place in places or ()}
    failed = False
    for error in found.unusable:
        if str(error.file) in named:
            failed = True
            fail(str(error))
        else:
            print_status(f"note: left out: {error}")
    if not found.complete:
        print_status(f"note: more than {MOST_FILES} model files; the others are left out")
    return ExitCode.FAILED if failed else ExitCode.DONE
