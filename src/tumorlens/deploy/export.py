"""run -> model file: one ONNX file with preprocessing, network, softmax, heat maps or mask, and a model card."""
# ruff: noqa: E402 (the check for torch precedes the imports that need it)

from __future__ import annotations

from pathlib import Path

from tumorlens._extras import require

require("torch", "train", "export networks")

import torch
from safetensors.torch import save

from tumorlens._files import atomic_write
from tumorlens._progress import Progress, ProgressOption, progress_of
from tumorlens._record import versions
from tumorlens.datasets import Table
from tumorlens.deploy.evidence import CardEvidence, read_evidence
from tumorlens.deploy.lineage import attributions, training_provenance
from tumorlens.deploy.onnx_fp16 import store_weights_as_fp16
from tumorlens.deploy.onnx_trace import trace
from tumorlens.deploy.parity import check_parity, random_images
from tumorlens.errors import RunError
from tumorlens.evaluation import Thresholds, calibrate, gray_slice, thresholds_of
from tumorlens.evaluation.fit_ood import THRESHOLD_SCALE
from tumorlens.explanation.explainer import supported_methods
from tumorlens.explanation.selected_outputs import SelectedOutputs, output_names
from tumorlens.model_card.card import KEY, CalibrationSummary, ModelCard, OODSummary, Parity
from tumorlens.models import Pipeline, architecture_info, cost
from tumorlens.scan import GrayImage
from tumorlens.scan.finding_rule import FindingRule
from tumorlens.training import Run

_REAL_IMAGES = 16  # of the run's own data, in the parity check
_MAX_SIDE = 2**14  # of an image, pixels


def export(
    run: Run,
    out: str | Path,
    *,
    cross_validation: str | Path | None = None,
    half: bool = False,
    weights: bool = False,
    progress: ProgressOption = None,
) -> ModelCard:
    """Write a run as a model file, and check that ONNX Runtime and PyTorch give the same outputs.

    The temperature is from the evaluation of the run. A run without an evaluation is calibrated on its validation
    subset, and its card has no metrics. The OOD score and the prediction sets are fitted again on the training and
    validation subset.

    Args:
        run: a finished run.
        out: the .onnx file to write; an existing file is replaced after all checks.
        cross_validation: folder of a cross-validation of the same recipe on the same data, for a run that was trained
            on all of it. Metrics, temperature, prediction sets and the scale of the OOD threshold are taken from it.
        half: store the weights as float16, which halves the file.
        weights: also write the weights alone, beside the model file, as .safetensors with the card in its header.
        progress: a callable, True for bars, None for silence.

    Raises:
        ParityError: ONNX Runtime and PyTorch differ by more than 1e-4 in the probability of a class, or by more than
            1e-3 in a pixel's probability of tumor or in the OOD score; with `half` 2e-2, 1e-1 and 2e-2.
        RunError: `out` is not an .onnx file, or the cross-validation does not belong to the run.

    Example:
        >>> import tumorlens
        >>> run = tumorlens.load_run("run")  # the folder of a finished training
        >>> card = tumorlens.export(run, "exported.onnx")
        >>> card.parity.largest_difference < 1e-4
        True
        >>> tumorlens.load("exported.onnx")
        Predictor(run, 4 classes, 48 px)
    """
    path = Path(out)
    if path.suffix != ".onnx":
        raise RunError(
            file=path, found=f"file name with the ending '{path.suffix}'", expected="a file name that ends in .onnx"
        )
    with progress_of(progress) as shown:
        return _export(run, path, None if cross_validation is None else Path(cross_validation), half, weights, shown)


def _export(
    run: Run, path: Path, cross_validation: Path | None, half: bool, weights: bool, progress: Progress
) -> ModelCard:
    progress("calibrating", 0, 1)
    evidence = read_evidence(run, cross_validation)
    table = run.table()
    temperature, calibration = (evidence.temperature, evidence.calibration) if evidence else _calibrated(run, table)
    progress("calibrating", 1, 1)
    scale = evidence.threshold_scale if evidence else None
    thresholds = thresholds_of(run, table, THRESHOLD_SCALE * (1.0 if scale is None else scale), progress=progress)
    pipeline = run.pipeline(temperature, thresholds.ood.subspace if thresholds.ood else None)
    with atomic_write(path) as temporary:
        progress("exporting", 0, 1)
        program = _trace(pipeline)
        program.save(temporary, external_data=False)
        progress("exporting", 1, 1)
        progress("comparing predictions", 0, 1)
        images = random_images() + _real_images(table)
        parity = check_parity(temporary, pipeline, images)
        if half:
            store_weights_as_fp16(program.model)
            program.save(temporary, external_data=False)
            parity = check_parity(temporary, pipeline, images, half=True)
        progress("comparing predictions", 1, 1)
        card = _card(run, table, pipeline, evidence, calibration, thresholds, parity, half=half)
        program.model.metadata_props[KEY] = card.model_dump_json()
        program.save(temporary, external_data=False)
    if weights:
        _write_weights(pipeline, card, path.with_suffix(".safetensors"))
    return card


def _write_weights(pipeline: Pipeline, card: ModelCard, path: Path) -> None:
    """The network's weights in the precision of the model file, and the card."""
    tensors = {name: value.contiguous() for name, value in pipeline.network.state_dict().items()}
    if card.weights_dtype == "float16":
        tensors = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
    with atomic_write(path) as temporary:
        temporary.write_bytes(save(tensors, metadata={KEY: card.model_dump_json()}))


def _trace(pipeline: Pipeline) -> torch.onnx.ONNXProgram:
    """The ONNX program, with dynamic batch size, height and width."""
    graph = SelectedOutputs(pipeline, output_names(pipeline))
    dimensions = {0: torch.export.Dim("batch", min=1, max=4096)} | {
        axis: torch.export.Dim(name, min=2, max=_MAX_SIDE) for axis, name in ((1, "height"), (2, "width"))
    }
    example = torch.zeros(2, 300, 200, dtype=torch.uint8)
    return trace(graph, example, "image", graph.names, {"image": dimensions})


def _real_images(table: Table) -> list[GrayImage]:
    step = max(1, len(table) // _REAL_IMAGES)
    return [gray_slice(sample.image) for sample in table.samples[::step][:_REAL_IMAGES]]


def _calibrated(run: Run, table: Table) -> tuple[float, CalibrationSummary]:
    """The temperature of a run that was not evaluated."""
    fitted = calibrate(run, table)
    return fitted.temperature, CalibrationSummary(images=fitted.images, units=fitted.units, reason=fitted.reason)


def _ood(thresholds: Thresholds, evidence: CardEvidence | None) -> OODSummary | None:
    """The fit of the OOD score, with the share of flagged test images where it was measured."""
    if thresholds.ood is None:
        return None
    flagged, scale = (evidence.flagged, evidence.threshold_scale) if evidence else (None, None)
    return OODSummary(**thresholds.ood.to_dict(), flagged=flagged, threshold_scale=scale)


def _card(
    run: Run,
    table: Table,
    pipeline: Pipeline,
    evidence: CardEvidence | None,
    calibration: CalibrationSummary,
    thresholds: Thresholds,
    parity: Parity,
    *,
    half: bool,
) -> ModelCard:
    spec = run.spec
    parameters = cost(
        spec.model,
        len(spec.classes),
        channels=spec.channels,
        input_size=spec.input_geometry.size,
        options=spec.options,
    ).parameters
    return ModelCard(
        name=run.folder.name,
        classes=spec.classes,
        input_geometry=spec.input_geometry,
        model=spec.model,
        parameters=parameters,
        temperature=float(pipeline.temperature),
        heatmap=pipeline.network.classifier_weights() is not None,
        segments=run.segments,
        methods=tuple(supported_methods(output_names(pipeline))),
        weights_dtype="float16" if half else "float32",
        folds=evidence.folds if evidence else None,
        metrics=evidence.metrics if evidence else {},
        detection=evidence.detection if evidence else None,
        per_class=evidence.per_class if evidence else {},
        confusion_matrix=evidence.confusion_matrix if evidence else (),
        calibration=calibration,
        analyses=evidence.analyses if evidence else {},
        ood=_ood(thresholds, evidence),
        prediction_sets=(evidence.prediction_sets if evidence else None) or thresholds.prediction_sets,
        finding_rule=FindingRule() if run.segments else None,
        tested_on=evidence.tested_on if evidence else "",
        caveats=evidence.caveats if evidence else ("This model was never evaluated.",),
        training=training_provenance(run, table),
        parity=parity,
        license=(
            f"{architecture_info(spec.model).license} (architecture); "
            "weights: as the licenses of the training data allow"
        ),
        attributions=attributions(run, table),
        versions=versions(),
    )
