"""run -> bundle: one ONNX file with preprocessing, network, softmax, heat maps or mask, and a card inside."""
# ruff: noqa: E402 (the check for torch comes before what needs it)

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tumorlens.extras import require

require("torch", "train", "export networks")

import torch

from tumorlens.datasets import Table
from tumorlens.deploy.card import KEY, Calibrated, Card, OutsideCard, Parity
from tumorlens.deploy.origin import attributions, training
from tumorlens.deploy.parity import check_parity, random_pictures
from tumorlens.deploy.trace import trace
from tumorlens.errors import RunError
from tumorlens.evaluation import Limits, calibrate, grey_slice, limits_of, weights_hash
from tumorlens.explanation.answers import NamedAnswers, answer_names
from tumorlens.explanation.explainer import methods_from
from tumorlens.files import appearing
from tumorlens.models import Pipeline, card, cost
from tumorlens.record import versions
from tumorlens.scan import GreyImage
from tumorlens.training import Run

_REAL = 16  # pictures of the run's own data in the parity check
_LARGEST = 2**14


def export(run: Run, out: str | Path) -> Card:
    """Write a run as a bundle and prove that it answers as the network does.

    The temperature is the one of the run's evaluation; a run that was not evaluated is calibrated on
    its validation part, and its card says that it has no figures. What is outside, and which classes stay
    possible, is learnt anew from training and validation part.

    Args:
        run: a finished run.
        out: the .onnx file to write; replaced only when everything is right.

    Raises:
        ParityError: ONNX Runtime differs from PyTorch by more than 1e-4 in the probability of a class, or by more than
            1e-3 in that of a pixel of the mask or in the score as outside.
        RunError: `out` is not an .onnx file.
    """
    path = Path(out)
    if path.suffix != ".onnx":
        raise RunError(f"{path}: expected a file name that ends in .onnx")
    table = run.table()
    measured = _measured(run)
    temperature, calibration = _calibration(run, table, measured)
    limits = limits_of(run, table)
    pipeline = run.pipeline(temperature, limits.outside.familiar if limits.outside else None)
    with appearing(path) as part:
        program = _trace(pipeline)
        program.save(part, external_data=False)
        parity = check_parity(part, pipeline, random_pictures() + _real_pictures(table))
        made = _card(run, table, pipeline, measured, calibration, limits, parity)
        program.model.metadata_props[KEY] = made.model_dump_json()
        program.save(part, external_data=False)
    return made


def _trace(pipeline: Pipeline) -> torch.onnx.ONNXProgram:
    """The ONNX program, with batch, height and width open."""
    graph = NamedAnswers(pipeline, answer_names(pipeline))
    dimensions = {0: torch.export.Dim("batch", min=1, max=4096)} | {
        axis: torch.export.Dim(name, min=2, max=_LARGEST) for axis, name in ((1, "height"), (2, "width"))
    }
    example = torch.zeros(2, 300, 200, dtype=torch.uint8)
    return trace(graph, example, "image", graph.names, {"image": dimensions})


def _real_pictures(table: Table) -> list[GreyImage]:
    step = max(1, len(table) // _REAL)
    return [grey_slice(sample.image) for sample in table.samples[::step][:_REAL]]


def _measured(run: Run) -> dict[str, Any] | None:
    """The evaluation of these very weights on the run's own test part, if there is one."""
    path = run.folder / "evaluation" / "evaluation.json"
    if not path.is_file():
        return None
    measured: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    belongs = measured.get("weights") == weights_hash(run) and measured["split_hash"] == run.record["split_hash"]
    return measured if belongs and measured["part"] == "test" else None


def _calibration(run: Run, table: Table, measured: dict[str, Any] | None) -> tuple[float, Calibrated]:
    """The temperature and what is known of it: the evaluation's where there is one, else fitted here."""
    if measured is None:
        fitted = calibrate(run, table)
        return fitted.temperature, Calibrated(images=fitted.fitted_on, units=fitted.units, reason=fitted.reason)
    known = measured["calibration"]
    before, after = ({name: known[when][name] for name in ("ece", "brier")} for when in ("before", "after"))
    return known["temperature"], Calibrated(
        images=known["fitted_on_validation_images"],
        units=known["fitted_on_validation_units"],
        reason=known["not_fitted_because"],
        before=before,
        after=after,
    )


def _outside(limits: Limits, measured: dict[str, Any] | None) -> OutsideCard | None:
    """What is known of the score, with the evaluation's share of flagged test pictures where there is one."""
    if limits.outside is None:
        return None
    tested = (measured or {}).get("outside")
    return OutsideCard(**limits.outside.to_dict(), flagged=tested["flagged"] if tested else None)


def _card(
    run: Run,
    table: Table,
    pipeline: Pipeline,
    measured: dict[str, Any] | None,
    calibration: Calibrated,
    limits: Limits,
    parity: Parity,
) -> Card:
    figures, per_class, tested_on = {}, {}, ""
    confusion: tuple[tuple[int, ...], ...] = ()
    if measured:
        drawn = measured.get("segmentation")
        figures = measured["overall"] | (drawn["overall"] if drawn else {})
        masks = drawn["per_class"] if drawn else {}
        per_class = {name: found | masks.get(name, {}) for name, found in measured["per_class"].items()}
        confusion = tuple(tuple(row) for row in measured["confusion"])
        tested_on = (
            f"{measured['data']}, {measured['part']} part: {measured['evidence']}; 95 % intervals by bootstrap, "
            f"{measured['resamples']} resamples, seed {measured['seed']}"
        )
        if drawn and "distance_unit" in drawn:
            tested_on += f"; distances in {drawn['distance_unit']}"
    spec = run.spec
    return Card(
        name=run.folder.name,
        classes=spec.classes,
        canvas=spec.canvas,
        model=spec.model,
        parameters=cost(
            spec.model,
            len(spec.classes),
            channels=spec.channels,
            input_size=spec.canvas.size,
            options=spec.options,
        ).parameters,
        temperature=float(pipeline.temperature),
        heatmap=pipeline.network.class_weights() is not None,
        segments=run.draws,
        methods=tuple(methods_from(answer_names(pipeline))),
        figures=figures,
        per_class=per_class,
        confusion=confusion,
        calibration=calibration,
        sensitivity=_sensitivity(measured) if measured else (),
        outside=_outside(limits, measured),
        candidates=limits.candidates,
        tested_on=tested_on,
        cautions=tuple(measured["cautions"]) if measured else ("This bundle was never evaluated.",),
        training=training(run, table),
        parity=parity,
        licence=f"{card(spec.model).licence} (architecture); weights: as the licences of the training data allow",
        attributions=attributions(run, table),
        versions=versions(),
    )


def _sensitivity(measured: dict[str, Any]) -> tuple[str, ...]:
    """What an evaluation says of pictures that are blanked in part, and of pictures that are made worse."""
    blanked, worse = (measured.get(name) or {} for name in ("background", "robustness"))
    found = [test["meaning"] for test in blanked.values() if isinstance(test, dict)]
    return (*found, worse["summary"], worse["worst"]["words"], worse["meaning"]) if worse else tuple(found)
