"""tumorlens explain: run or bundle + images -> overlays of what spoke for the class, or for the mask."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from tumorlens.cli.common import Json, Seed, emit, fail, files, loading, progress, say
from tumorlens.cli.explain_evaluate_command import explain_evaluate

if TYPE_CHECKING:
    from PIL.Image import Image

    from tumorlens.deploy.predictor import Predictor
    from tumorlens.explanation import Explanation
    from tumorlens.training import Run

OptionalImages = Annotated[list[str] | None, typer.Argument(help="Images, folders or patterns.", show_default=False)]
_OF = ("class", "mask")


def explain(
    model: Annotated[
        Path,
        typer.Argument(help="The folder of a run, a bundle, .onnx, or what ships: default.", metavar="RUN_OR_BUNDLE"),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for the overlays, or for what is measured.")],
    paths: OptionalImages = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="grad_cam (the default), hires_cam, eigen_cam, attention (attention:NAME for one map of several), "
            "occlusion, mask, or all that the network can give. To measure: all if left out, and repeatable."
        ),
    ] = None,
    target: Annotated[str | None, typer.Option(help="Class to explain; the predicted one if left out.")] = None,
    of: Annotated[str, typer.Option(help="What to explain: the class, or the drawn mask.", metavar="class|mask")] = (
        "class"
    ),
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Measure how far maps of a run can be trusted, on images with masks.")
    ] = False,
    data: Annotated[
        list[str] | None, typer.Option("--data", help="To measure: other data than the run's test part.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=0, help="To measure: images at most, spread over patients; 0 for all.")
    ] = None,
    rectangles: Annotated[
        bool, typer.Option("--rectangles", help="To measure: also where the true masks are rectangles.")
    ] = False,
    n_resamples: Annotated[int, typer.Option(min=100, help="To measure: of the bootstrap over patients.")] = 2000,
    seed: Seed = 0,
    json: Json = False,
) -> int:
    """Draw heat maps, or measure how far to trust them."""
    if of not in _OF:
        raise typer.BadParameter(f"'{of}' for --of; expected class or mask")
    if evaluate:
        if paths or target is not None or of != "class":
            raise typer.BadParameter(
                "--evaluate measures maps of the predicted class, on the run's test part or on --data; "
                "leave out paths, --target and --of"
            )
        if model.is_file():
            raise typer.BadParameter(
                f"{model} is a file; expected the folder of a run: --evaluate makes weights random, which no bundle can"
            )
        return explain_evaluate(
            model, out, data=data, methods=method, limit=limit, rectangles=rectangles,
            n_resamples=n_resamples, seed=seed, json=json,
        )  # fmt: skip
    if data or limit is not None or rectangles:
        raise typer.BadParameter("--data, --limit and --rectangles are for measuring; expected --evaluate beside them")
    if not paths:
        raise typer.BadParameter("no images named; expected images, folders or patterns, or --evaluate")
    if method and len(method) > 1:
        raise typer.BadParameter("several --method; expected one, or all")
    return _draw(model, paths, out, method[0] if method else "grad_cam", target, of, json)


def _draw(model: Path, paths: list[str], out: Path, method: str, target: str | None, of: str, json: bool) -> int:
    """Write one overlay for each image."""
    if of == "mask" and target is not None:
        raise typer.BadParameter("--target is a class; leave it out beside --of mask")
    from tumorlens._record import Record
    from tumorlens.errors import TumorlensError
    from tumorlens.explanation import explain as work
    from tumorlens.report import save_png

    record = Record("explain", model=str(model), method=method, target=target, of=of, device="cpu")
    loaded, split_hash = _opened(model)
    chosen = files(paths)
    found = work(loaded, chosen, target, method=method, of=cast(Literal["class", "mask"], of))
    written: list[str] = []
    failed: list[str] = []
    with progress("explaining") as step:
        for number, item in enumerate(found, start=1):
            step(number, len(chosen))
            if isinstance(item, TumorlensError):
                failed.append(str(item))
                fail(str(item), 1)
                continue
            what = "mask" if of == "mask" else item.target
            name = f"{number:04d}_{item.path.stem}_{what}_{method.replace(':', '-')}.png"
            save_png(_strip(item), out / name)
            written.append(name)
            if json:
                facts = {"target": item.target, "probability": round(item.probability, 6), "of": of}
                emit({"source": str(item.path), **facts, "methods": list(item.heatmaps), "overlay": str(out / name)})
    if written:
        record.add(split_hash=split_hash, outputs=written, failed=failed)
        record.write(out)
        say(f"overlays written: {len(written)}, in {out}")
    return 1 if failed else 0


def _opened(path: Path) -> tuple[Run | Predictor, str]:
    """A bundle, for which PyTorch is not needed, or a run; and the split it was trained on."""
    if path.is_dir():
        with loading():
            from tumorlens._memory import keep_freed_memory
            from tumorlens.training import load_run

            keep_freed_memory()
            run = load_run(path)
        return run, run.record["split_hash"]
    from tumorlens.deploy.predictor import load

    predictor = load(path)
    return predictor, predictor.card.training["split_hash"]


def _strip(item: Explanation) -> Image:
    """The scan with what is drawn in it, and one image for each method."""
    from tumorlens.explanation import METHODS
    from tumorlens.report import overlay
    from tumorlens.report.strip import strip

    panes = [(f"{item.target} {item.probability:.1%}", overlay(item.gray, contour=item.mask))]
    for method, heatmap in item.heatmaps.items():
        name, _, part = method.partition(":")
        drawn = item.mask if item.of == "mask" else None
        panes.append((f"{METHODS[name].title} {part}".strip(), overlay(item.gray, heatmap, drawn)))
    return strip(panes)
