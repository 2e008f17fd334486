"""The card inside a bundle: what the file is, what it was made from, how good it is, what it is not for."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from tumorlens._legacy import is_legacy, translate
from tumorlens.errors import ModelFileError
from tumorlens.scan import InputGeometry
from tumorlens.stats.conformal import PredictionSets

KEY = "tumorlens"  # name of the card in the ONNX file's metadata
INTENDED_USE = (
    "Research on magnetic resonance slices of the head that resemble the training data. "
    "Not a medical device: not for diagnosis, treatment or triage."
)


class Parity(BaseModel):
    """What the check at export found.

    Attributes:
        largest_difference: in any probability of a class, between PyTorch and ONNX Runtime.
        images: number of images, real and random.
        largest_mask_difference: in any pixel's probability of tumor; None where the network does not segment.
        mask_pixels_differ: share of all pixels of the canvas that one draws as tumor and the other does not.
        largest_ood_difference: in the score of an image as outside, as a share of it where it is above 1; None
            where the graph gives none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    largest_difference: float
    images: int
    largest_mask_difference: float | None = None
    mask_pixels_differ: float | None = None
    largest_ood_difference: float | None = None


class OODSummary(BaseModel):
    """What the graph's output ``ood_score`` was fitted on, and how often it flags images that it should not.

    Attributes:
        method: in words.
        fitted_on_images: of the training part.
        fitted_on_units: the patients, or images without one, they come from.
        validation_images: the limit is from.
        validation_units: the patients they come from.
        validation_kept: share of the validation part that is not flagged, patients weighing the same.
        flagged: the share of the test part that is, as an estimate; None where the run was not evaluated.
        threshold_scale: by what the limit was multiplied then, so that it is where the folds of a cross-validation put it; None
            where it is from the validation part alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    fitted_on_images: int
    fitted_on_units: int
    validation_images: int
    validation_units: int
    validation_kept: float
    flagged: dict[str, Any] | None = None
    threshold_scale: float | None = None


class CalibrationSummary(BaseModel):
    """How far probabilities meant what they said, before and after they were divided by the temperature.

    Attributes:
        images: of the validation part, or of all folds of a cross-validation, on which the temperature was fitted.
        units: the patients, or images without one, they come from.
        reason: why the temperature is 1 where it could not be fitted, else None.
        before: ``"ece"`` and ``"brier"`` of the test part, or of all folds, as estimates, as the networks gave their
            probabilities; empty where the run was not evaluated.
        after: the same with the temperature; of a fold with that of all others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int
    units: int
    reason: str | None = None
    before: dict[str, dict[str, Any]] = {}
    after: dict[str, dict[str, Any]] = {}


class ModelCard(BaseModel):
    """Facts about a bundle, stored as JSON in the ONNX file's metadata.

    Attributes:
        schema_version: version of this layout.
        name: of the run it was made from.
        classes: output i is ``classes[i]``.
        input_geometry: how an image is laid on the square the network sees.
        model: registry name.
        parameters: number of weights, without those that are used in training only.
        temperature: of the softmax inside the graph.
        heatmap: whether the graph gives class activation maps.
        segments: whether the graph gives a mask of the tumor.
        methods: names of the methods of explanation that need nothing but this file; empty in older bundles, which
            did not say.
        weights_dtype: precision in which the file holds the weights; they are computed with in float32.
        folds: of the cross-validation that figures, temperature and candidates are from, of networks of the same recipe
            that had not seen what they were measured on; None where they are from the run's own parts.
        metrics: name to estimate, as measured on the test part; empty where the run was not evaluated. Those of
            the mask are ``"dice"``, ``"iou"`` and ``"mean_iou"``.
        per_class: class to name to estimate, of the same test part; empty likewise, and in older bundles.
        confusion_matrix: (K, K) images of the test part; rows are the truth, columns the answer; empty likewise.
        calibration: what the temperature was fitted on and what it changed; None in older bundles.
        analyses: name of an analysis of the run -> its conclusions, one sentence each; empty where none was made.
        ood: what the graph's output ``ood_score`` is worth; None where it has none, as in older bundles.
        prediction_sets: what is needed to say which classes an image may be of, for any allowed error; None where there was
            no validation part, and in older bundles.
        tested_on: one line that says on what; empty likewise.
        caveats: what a reader must know before quoting a figure.
        training: recipe, seed, data, fingerprint, split and their hashes; all settings, the data sets' own facts, how
            many images of which class were in which part. Older bundles have less of it.
        parity: how closely ONNX Runtime repeats what PyTorch says.
        license: of the weights.
        attributions: whose data and whose weights are in it, and under what license, a line each; empty in older
            bundles, which did not say.
        intended_use: and what it is not for.
        versions: of the software that made it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    name: str
    classes: tuple[str, ...]
    input_geometry: InputGeometry
    model: str
    parameters: int
    temperature: float
    heatmap: bool
    segments: bool = False
    methods: tuple[str, ...] = ()
    weights_dtype: Literal["float32", "float16"] = "float32"
    folds: int | None = None
    metrics: dict[str, dict[str, Any]]
    per_class: dict[str, dict[str, dict[str, Any]]] = {}
    confusion_matrix: tuple[tuple[int, ...], ...] = ()
    calibration: CalibrationSummary | None = None
    analyses: dict[str, tuple[str, ...]] = {}
    ood: OODSummary | None = None
    prediction_sets: PredictionSets | None = None
    tested_on: str
    caveats: tuple[str, ...]
    training: dict[str, Any]
    parity: Parity
    license: str
    attributions: tuple[str, ...] = ()
    intended_use: str = INTENDED_USE
    versions: dict[str, str]


def parse_card(metadata: dict[str, str], source: str) -> ModelCard:
    """The card from an ONNX file's metadata.

    Raises:
        BundleError: there is none, or it is of another format.
    """
    if KEY not in metadata:
        raise ModelFileError(f"{source}: an ONNX file without a tumorlens card; expected one made by: tumorlens export")
    try:
        content = json.loads(metadata[KEY])
        return ModelCard.model_validate(translate(content) if is_legacy(content) else content)
    except (ValueError, KeyError) as error:  # pydantic's ValidationError is a ValueError
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        where = ".".join(str(part) for part in first["loc"])
        raise ModelFileError(
            f"{source}: its card does not fit this version of tumorlens ({where}: {first['msg']}); "
            "export the run again, or install the version that made it"
        ) from None
