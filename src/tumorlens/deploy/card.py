"""The card inside a bundle: what the file is, what it was made from, how good it is, what it is not for."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from tumorlens.errors import BundleError
from tumorlens.scan import Canvas

KEY = "tumorlens"  # name of the card in the ONNX file's metadata
INTENDED_USE = (
    "Research on magnetic resonance slices of the head that resemble the training data. "
    "Not a medical device: not for diagnosis, treatment or triage."
)


class Parity(BaseModel):
    """What the check at export found.

    Attributes:
        largest_difference: in any probability of a class, between PyTorch and ONNX Runtime.
        pictures: number of pictures, real and random.
        largest_mask_difference: in any pixel's probability of tumour; None where the network does not segment.
        mask_pixels_differ: share of all pixels of the canvas that one draws as tumour and the other does not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    largest_difference: float
    pictures: int
    largest_mask_difference: float | None = None
    mask_pixels_differ: float | None = None


class Card(BaseModel):
    """Facts about a bundle, stored as JSON in the ONNX file's metadata.

    Attributes:
        format: version of this layout.
        name: of the run it was made from.
        classes: output i is ``classes[i]``.
        canvas: how a picture is laid on the square the network sees.
        model: registry name.
        parameters: number of weights, without those that are used in training only.
        temperature: of the softmax inside the graph.
        heatmap: whether the graph gives class activation maps.
        segments: whether the graph gives a mask of the tumour.
        methods: names of the methods of explanation that need nothing but this file; empty in older bundles, which
            did not say.
        figures: name to estimate, as measured on the test part; empty where the run was not evaluated. Those of
            the mask are ``"dice"``, ``"iou"`` and ``"mean_iou"``.
        tested_on: one line that says on what; empty likewise.
        cautions: what a reader must know before quoting a figure.
        training: recipe, seed, data, fingerprint, split and their hashes.
        parity: how closely ONNX Runtime repeats what PyTorch says.
        licence: of the weights.
        intended_use: and what it is not for.
        versions: of the software that made it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    name: str
    classes: tuple[str, ...]
    canvas: Canvas
    model: str
    parameters: int
    temperature: float
    heatmap: bool
    segments: bool = False
    methods: tuple[str, ...] = ()
    figures: dict[str, dict[str, Any]]
    tested_on: str
    cautions: tuple[str, ...]
    training: dict[str, Any]
    parity: Parity
    licence: str
    intended_use: str = INTENDED_USE
    versions: dict[str, str]


def parse_card(metadata: dict[str, str], source: str) -> Card:
    """The card from an ONNX file's metadata.

    Raises:
        BundleError: there is none, or it is of another format.
    """
    if KEY not in metadata:
        raise BundleError(f"{source}: an ONNX file without a tumorlens card; expected one made by: tumorlens export")
    try:
        return Card.model_validate_json(metadata[KEY])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BundleError(
            f"{source}: its card does not fit this version of tumorlens ({where}: {first['msg']}); "
            "export the run again, or install the version that made it"
        ) from None
