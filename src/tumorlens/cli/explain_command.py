"""tumorlens explain: run or model file + images -> heat maps of the evidence for the class, or for the mask."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tumorlens.cli.common import (
    AllowBoxMasks,
    BatchSize,
    BootstrapSize,
    Device,
    ExitCode,
    Json,
    Panel,
    Seed,
    Threads,
    choice,
    expand_paths,
    fail,
    loading,
    output_folder,
    print_json,
    print_status,
    progress,
    use_threads,
)
from tumorlens.cli.explain_evaluate_command import explain_evaluate

if TYPE_CHECKING:
    from PIL.Image import Image

    from tumorlens._record import Record
    from tumorlens.deploy.predictor import Device as DeviceName
    from tumorlens.deploy.predictor import Predictor
    from tumorlens.explanation import Explanation
    from tumorlens.training import Run

OptionalImages = Annotated[
    list[str] | None, typer.Argument(help="Image files, folders or patterns.", show_default=False)
]
Task = Literal["classification", "segmentation"]
_BATCH = 16  # occluded copies of an image that the network gets at one time

ModelArgument = Annotated[
    Path,
    typer.Argument(
        help="The folder of a run, a model file, .onnx, or a model that comes with tumorlens: default, tiny.",
        metavar="RUN_OR_MODEL",
        show_default=False,
    ),
]
OutDir = Annotated[
    Path | None,
    typer.Option(
        "--out-dir",
        "-o",
        help="Folder for the results; runs/explain/NAME by default.",
        show_default=False,
        rich_help_panel=Panel.OUTPUT,
    ),
]
Methods = Annotated[
    list[str] | None,
    typer.Option(
        help="grad_cam (the default), hires_cam, eigen_cam, attention (attention:NAME for one map of several), "
        "occlusion, mask, or all that the network supports. With --evaluate: repeatable, all by default.",
        show_default=False,
        rich_help_panel=Panel.MAPS,
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        help="Class to explain; the predicted class by default.", show_default=False, rich_help_panel=Panel.MAPS
    ),
]
TaskOption = Annotated[
    Task,
    choice(
        "--task",
        "classification",
        "segmentation",
        help="Explain the class, or the predicted tumor mask.",
        panel=Panel.MAPS,
    ),
]
EvaluateOption = Annotated[
    bool,
    typer.Option(
        "--evaluate",
        help="Measure faithfulness and localization of a run's maps, against masks.",
        rich_help_panel=Panel.MEASUREMENT,
    ),
]
ExternalData = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        help="With --evaluate: external data instead of the run's test subset.",
        show_default=False,
        rich_help_panel=Panel.MEASUREMENT,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="With --evaluate: images, spread over patients; 100 by default, 0 for all.",
        show_default=False,
        rich_help_panel=Panel.MEASUREMENT,
    ),
]


def explain(
    model: ModelArgument,
    paths: OptionalImages = None,
    out_dir: OutDir = None,
    method: Methods = None,
    target: Target = None,
    task: TaskOption = "classification",
    evaluate: EvaluateOption = False,
    data: ExternalData = None,
    limit: Limit = None,
    allow_box_masks: AllowBoxMasks = False,
    n_resamples: BootstrapSize = 2000,
    seed: Seed = 0,
    device: Device = "cpu",
    threads: Threads = None,
    batch_size: BatchSize = _BATCH,
    json: Json = False,
) -> int:
    """Write heat maps, or measure their faithfulness with --evaluate."""
    from tumorlens._record import Record

    if evaluate:
        if paths or target is not None or task != "classification":
            raise typer.BadParameter(
                "--evaluate measures maps of the predicted class, on the run's test subset or on --data; "
                "leave out paths, --target and --task"
            )
        if model.is_file():
            raise typer.BadParameter(
                f"{model} is a file; expected the folder of a run: --evaluate randomizes weights, which a model file "
                "does not allow"
            )
        if batch_size != _BATCH:
            raise typer.BadParameter("--evaluate measures image by image; leave out --batch-size")
        with output_folder(out_dir, "explain", _name(model)) as folder:
            return explain_evaluate(
                model, folder, data=data, methods=method, limit=limit, allow_box_masks=allow_box_masks,
                n_resamples=n_resamples, seed=seed, device=device, threads=threads, json=json,
            )  # fmt: skip
    if data or limit is not None or allow_box_masks:
        raise typer.BadParameter("--data, --limit and --allow-box-masks need --evaluate")
    if not paths:
        raise typer.BadParameter("no images given; expected images, folders or patterns, or --evaluate")
    if method and len(method) > 1:
        raise typer.BadParameter("several --method; expected one, or all")
    if task == "segmentation" and target is not None:
        raise typer.BadParameter("--target is a class; leave it out with --task segmentation")
    record = Record("explain", model=str(model), target=target, task=task, batch_size=batch_size)
    loaded = _load(model, record, device=device, threads=threads)
    chosen = method[0] if method else "grad_cam"
    return _explain_images(loaded, model, expand_paths(paths), out_dir, chosen, target, task, batch_size, record, json)


def _explain_images(
    loaded: Run | Predictor,
    model: Path,
    images: list[Path],
    out_dir: Path | None,
    method: str,
    target: str | None,
    task: Task,
    batch_size: int,
    record: Record,
    json: bool,
) -> int:
    """Write one overlay for each image."""
    from tumorlens._results_folder import claim_folder
    from tumorlens.errors import TumorlensError
    from tumorlens.explanation import explain as explain_images
    from tumorlens.report import save_png

    record.add(method=method)
    explanations = explain_images(loaded, images, target, method=method, task=task, batch_size=batch_size)
    written: list[str] = []
    failed: list[str] = []
    with output_folder(out_dir, "explain", _name(model)) as folder, claim_folder(folder), progress() as step:
        for number, item in enumerate(explanations, start=1):
            step("explaining", number, len(images))
            if isinstance(item, TumorlensError):
                failed.append(str(item))
                fail(str(item))
                continue
            what = "mask" if task == "segmentation" else item.target
            name = f"{number:04d}_{item.path.stem}_{what}_{method.replace(':', '-')}.png"
            save_png(_strip(item), folder / name)
            written.append(name)
            if json:
                facts = {"target": item.target, "probability": round(item.probability, 6), "task": task}
                overlay = str(folder / name)
                print_json({"source": str(item.path), **facts, "methods": list(item.heatmaps), "overlay": overlay})
        if written:
            record.add(outputs=written, failed=failed)
            record.write(folder)
    if written:
        print_status(f"written: {len(written)} overlays in {folder}")
    return ExitCode.FAILED if failed else ExitCode.DONE


def _name(model: Path) -> str:
    """The name of a run or of a model file, for the folder of results."""
    whole = model.resolve()
    return whole.stem if whole.suffix == ".onnx" else whole.name


def _load(path: Path, record: Record, *, device: DeviceName, threads: int | None) -> Run | Predictor:
    """A run, or a model file, which needs no PyTorch; the record gets its split, the device and the threads."""
    if path.is_dir():
        with loading():
            from tumorlens._memory import keep_freed_memory
            from tumorlens.training import load_run

            keep_freed_memory()
            run = load_run(path).on(device)
            record.add(split_hash=run.record.split_hash, device=run.device, threads=use_threads(threads))
        return run
    from tumorlens.deploy.predictor import load

    predictor = load(path, device=device, threads=threads)
    record.add(split_hash=predictor.card.training.split_hash, providers=list(predictor.providers))
    record.add(device=device, threads=predictor.threads)
    return predictor


def _strip(item: Explanation) -> Image:
    """The scan with the outline of its predicted mask without islands, and beside it one image for each method."""
    from tumorlens.explanation import METHODS
    from tumorlens.report import overlay
    from tumorlens.report.strip import strip
    from tumorlens.report.text import percentage
    from tumorlens.scan.islands import without_islands

    shown = None if item.mask is None else without_islands(item.mask)[0]
    panes = [(f"{item.target} {percentage(item.probability)}", overlay(item.gray, mask=shown))]
    for method, heatmap in item.heatmaps.items():
        name, _, part = method.partition(":")
        mask = shown if item.task == "segmentation" else None
        panes.append((f"{METHODS[name].title} {part}".strip(), overlay(item.gray, heatmap, mask)))
    return strip(panes)
