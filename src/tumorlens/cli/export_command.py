"""tumorlens export: run -> one ONNX file that answers as the network does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tumorlens.cli.common import Json, caveat, console, emit, loading, say, show
from tumorlens.cli.evaluate_command import RunFolder


def export(
    run: RunFolder,
    out: Annotated[Path | None, typer.Option(help="The bundle to write; RUN/model.onnx if left out.")] = None,
    crossval: Annotated[
        Path | None,
        typer.Option(help="Folder of 'train --fold all', same recipe and data, which the card's figures are from."),
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Store weights in half precision: half the size.")] = False,
    weights: Annotated[
        bool, typer.Option("--weights", help="Also write the weights alone, .safetensors, beside the bundle.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a run as one ONNX file. All is inside: preprocessing, network, softmax, heat maps or mask, card.

    Fails when ONNX Runtime and PyTorch differ by more than 1e-4 in any probability, or 1e-3 in a pixel of a mask; with
    --half, by more than 2e-2 or 1e-1 once the weights are rounded.
    """
    with loading():
        from tumorlens._record import Record
        from tumorlens.deploy.export import export as work
        from tumorlens.training import load_run

    record = Record("export", device="cpu")
    loaded = load_run(run)
    path = out or loaded.folder / "model.onnx"
    with console().status("exporting, and comparing the answers"):
        card = work(loaded, path, crossval=crossval, half=half, weights=weights)
    parity = card.parity
    hashes = {key: loaded.record[key] for key in ("seed", "data_fingerprint", "split_hash")}
    written = [path, *([path.with_suffix(".safetensors")] if weights else [])]
    record.add(**hashes, outputs=[file.name for file in written], parity=parity.model_dump())
    record.write(path.parent, f"{path.stem}.run.json")
    if json:
        return emit(card.model_dump(mode="json") | {"path": str(path)})
    show(
        f"same answers as PyTorch on {parity.images} images: "
        f"largest difference in a probability {parity.largest_difference:.1e}"
    )
    if parity.largest_mask_difference is not None:
        show(
            f"same masks: largest difference in a pixel's probability {parity.largest_mask_difference:.1e}; "
            f"{parity.mask_pixels_differ:.4%} of the pixels change sides"
        )
    if not card.metrics:
        caveat("these weights were never evaluated, so the card has no figures; run: tumorlens evaluate, then export")
    for file in written:
        say(f"written: {file} ({file.stat().st_size / 1e6:.1f} MB)")
