"""run -> bundle: one ONNX file with preprocessing, network, softmax, heat maps or mask, and a card inside."""
# ruff: noqa: E402 (the check for torch comes before what needs it)

from __future__ import annotations

from pathlib import Path

from tumorlens._extras import require

require("torch", "train", "export networks")

import torch
from safetensors.torch import save

from tumorlens._files import atomic_write
from tumorlens._record import versions
from tumorlens.datasets import Table
from tumorlens.deploy.evidence import Measured, measured
from tumorlens.deploy.onnx_fp16 import store_weights_as_fp16
from tumorlens.deploy.onnx_trace import trace
from tumorlens.deploy.origin import attributions, training
from tumorlens.deploy.parity import check_parity, random_images
from tumorlens.errors import RunError
from tumorlens.evaluation import Thresholds, calibrate, gray_slice, thresholds_of
from tumorlens.evaluation.analyses.ood import THRESHOLD_SCALE
from tumorlens.explanation.explainer import methods_from
from tumorlens.explanation.selected_outputs import SelectedOutputs, output_names
from tumorlens.model_card.card import KEY, CalibrationSummary, ModelCard, OODSummary, Parity
from tumorlens.models import Pipeline, architecture_info, cost
from tumorlens.scan import GrayImage
from tumorlens.training import Run

_REAL = 16  # images of the run's own data in the parity check
_LARGEST = 2**14


def export(
    run: Run, out: str | Path, *, crossval: str | Path | None = None, half: bool = False, weights: bool = False
) -> ModelCard:
    """Write a run as a bundle and prove that it answers as the network does.

    The temperature is the one of the run's evaluation; a run that was not evaluated is calibrated on
    its validation part, and its card says that it has no figures. What is outside, and which classes stay
    possible, is learned anew from training and validation part.

    Args:
        run: a finished run.
        out: the .onnx file to write; replaced only when everything is right.
        crossval: folder of a cross-validation of the same recipe on the same data, which figures, temperature and
            thresholds are then taken from, and by which the limit of what is outside is moved: for a run that was
            trained on all of them.
        half: store the weights in half precision, and half as large.
        weights: also write the weights alone, beside the bundle, as .safetensors with the card in its header.

    Raises:
        ParityError: ONNX Runtime differs from PyTorch by more than 1e-4 in the probability of a class, or by more than
            1e-3 in that of a pixel of the mask or in the score as outside; once weights are rounded, 2e-2, 1e-1, 2e-2.
        RunError: `out` is not an .onnx file, or the cross-validation does not belong to the run.
    """
    path = Path(out)
    if path.suffix != ".onnx":
        raise RunError(f"{path}: expected a file name that ends in .onnx")
    found = measured(run, None if crossval is None else Path(crossval))
    table = run.table()
    temperature, calibration = (found.temperature, found.calibration) if found else _calibrated(run, table)
    limits = thresholds_of(
        run,
        table,
        THRESHOLD_SCALE if found is None or found.threshold_scale is None else THRESHOLD_SCALE * found.threshold_scale,
    )
    pipeline = run.pipeline(temperature, limits.ood.subspace if limits.ood else None)
    with atomic_write(path) as part:
        program = _trace(pipeline)
        program.save(part, external_data=False)
        images = random_images() + _real_images(table)
        parity = check_parity(part, pipeline, images)
        if half:
            store_weights_as_fp16(program.model)
            program.save(part, external_data=False)
            parity = check_parity(part, pipeline, images, half=True)
        made = _card(run, table, pipeline, found, calibration, limits, parity, half=half)
        program.model.metadata_props[KEY] = made.model_dump_json()
        program.save(part, external_data=False)
    if weights:
        _write_weights(pipeline, made, path.with_suffix(".safetensors"))
    return made


def _write_weights(pipeline: Pipeline, made: ModelCard, path: Path) -> None:
    """The network's weights, as the bundle stores them, and the card."""
    kept = {name: value.contiguous() for name, value in pipeline.network.state_dict().items()}
    if made.weights_dtype == "float16":
        kept = {name: value.half() if value.is_floating_point() else value for name, value in kept.items()}
    with atomic_write(path) as part:
        part.write_bytes(save(kept, metadata={KEY: made.model_dump_json()}))


def _trace(pipeline: Pipeline) -> torch.onnx.ONNXProgram:
    """The ONNX program, with batch, height and width open."""
    graph = SelectedOutputs(pipeline, output_names(pipeline))
    dimensions = {0: torch.export.Dim("batch", min=1, max=4096)} | {
        axis: torch.export.Dim(name, min=2, max=_LARGEST) for axis, name in ((1, "height"), (2, "width"))
    }
    example = torch.zeros(2, 300, 200, dtype=torch.uint8)
    return trace(graph, example, "image", graph.names, {"image": dimensions})


def _real_images(table: Table) -> list[GrayImage]:
    step = max(1, len(table) // _REAL)
    return [gray_slice(sample.image) for sample in table.samples[::step][:_REAL]]


def _calibrated(run: Run, table: Table) -> tuple[float, CalibrationSummary]:
    """The temperature of a run that was not evaluated, and what is known of it."""
    fitted = calibrate(run, table)
    return fitted.temperature, CalibrationSummary(images=fitted.fitted_on, units=fitted.units, reason=fitted.reason)


def _ood(limits: Thresholds, found: Measured | None) -> OODSummary | None:
    """What is known of the score, with the share of flagged held-out images where it was measured."""
    if limits.ood is None:
        return None
    tested = found.found.get("ood") if found else None
    share = tested.get("flagged_beyond", tested["flagged"]) if tested else None
    return OODSummary(**limits.ood.to_dict(), flagged=share, threshold_scale=found.threshold_scale if found else None)


def _card(
    run: Run,
    table: Table,
    pipeline: Pipeline,
    found: Measured | None,
    calibration: CalibrationSummary,
    limits: Thresholds,
    parity: Parity,
    *,
    half: bool,
) -> ModelCard:
    spec = run.spec
    return ModelCard(
        name=run.folder.name,
        classes=spec.classes,
        input_geometry=spec.input_geometry,
        model=spec.model,
        parameters=cost(
            spec.model,
            len(spec.classes),
            channels=spec.channels,
            input_size=spec.input_geometry.size,
            options=spec.options,
        ).parameters,
        temperature=float(pipeline.temperature),
        heatmap=pipeline.network.class_weights() is not None,
        segments=run.segments,
        methods=tuple(methods_from(output_names(pipeline))),
        weights_dtype="float16" if half else "float32",
        folds=found.folds if found else None,
        metrics=found.metrics if found else {},
        per_class=found.per_class if found else {},
        confusion_matrix=found.confusion_matrix if found else (),
        calibration=calibration,
        analyses=found.analyses if found else {},
        ood=_ood(limits, found),
        prediction_sets=(found.prediction_sets if found else None) or limits.prediction_sets,
        tested_on=found.tested_on if found else "",
        caveats=tuple(found.found["caveats"]) if found else ("This bundle was never evaluated.",),
        training=training(run, table),
        parity=parity,
        license=f"{architecture_info(spec.model).license} (architecture); weights: as the licenses of the training data allow",
        attributions=attributions(run, table),
        versions=versions(),
    )
