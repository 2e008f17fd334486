"""tumorlens export: run -> one ONNX model file with the same predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tumorlens.cli.common import Json, Panel, caveat, loading, print_json, print_status, progress, show
from tumorlens.cli.evaluate_command import RunFolder


def export(
    run: RunFolder,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            dir_okay=False,
            help="The file to write; RUN/model.onnx by default.",
            show_default=False,
            rich_help_panel=Panel.OUTPUT,
        ),
    ] = None,
    cross_validation: Annotated[
        Path | None,
        typer.Option(
            help="Folder of 'train --fold all' with the same recipe and data; the model card then reports its metrics.",
            show_default=False,
            rich_help_panel=Panel.MODEL,
        ),
    ] = None,
    half: Annotated[
        bool,
        typer.Option("--half/--no-half", help="Store the weights in fp16: half the size.", rich_help_panel=Panel.MODEL),
    ] = False,
    weights: Annotated[
        bool,
        typer.Option(
            "--weights/--no-weights",
            help="Also write the weights alone, .safetensors, beside the model file.",
            rich_help_panel=Panel.OUTPUT,
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Export a run as one ONNX file. Holds preprocessing, network, softmax, heat maps or mask, and the model card.

    Exits with 3 and writes nothing if ONNX Runtime and PyTorch differ by more than 1e-4 in any class probability, or by
    more than 1e-3 in a pixel of a mask; with --half, by more than 2e-2 or 1e-1 after rounding the weights.
    """
    with loading():
        from tumorlens._record import Record
        from tumorlens.deploy.export import export as export_run
        from tumorlens.training import load_run

    record = Record("export", device="cpu")
    loaded = load_run(run)
    path = output or loaded.folder / "model.onnx"
    with progress() as step:
        card = export_run(loaded, path, cross_validation=cross_validation, half=half, weights=weights, progress=step)
    parity = card.parity
    hashes = {key: getattr(loaded.record, key) for key in ("seed", "data_fingerprint", "split_hash")}
    written = [path, *([path.with_suffix(".safetensors")] if weights else [])]
    record.add(**hashes, outputs=[file.name for file in written], parity=parity.model_dump())
    record.write(path.parent, f"{path.stem}.run.json")
    if json:
        return print_json(card.model_dump(mode="json") | {"path": str(path)})
    from tumorlens.report.text import percentage

    show(
        f"same predictions as PyTorch on {parity.images} images: "
        f"largest difference of a probability {parity.largest_difference:.1e}"
    )
    if parity.largest_mask_difference is not None and parity.mask_pixels_differ is not None:
        show(
            f"same masks: largest difference of a pixel's probability {parity.largest_mask_difference:.1e}; "
            f"{percentage(parity.mask_pixels_differ, 4)} of mask pixels differ after thresholding"
        )
    if not card.metrics:
        caveat("this run was never evaluated, so the model card has no metrics; run: tumorlens evaluate, then export")
    for file in written:
        print_status(f"written: {file} ({file.stat().st_size / 1e6:.1f} MB)")
