"""State dict of a network of tumorlens -> its probabilities and masks, by PyTorch; no code in the file is run."""

from __future__ import annotations

from tumorlens._extras import require
from tumorlens._network_table import network_facts
from tumorlens.errors import DataError
from tumorlens.evaluation.tool_predictions import Predictions
from tumorlens.predictions.network_description import read_network_description
from tumorlens.predictions.onnx_inference import predict_table
from tumorlens.predictions.prediction_request import PredictionReader, PredictionRequest

SUFFIXES = (".safetensors", ".pt", ".pth")
"""Of files with a state dict."""


def read(request: PredictionRequest) -> Predictions:
    """Predict all images of the table.

    Raises:
        DataError: no architecture or no description is given, or the description is not valid.
        ModelError: no such architecture, or the file holds more than tensors or not its weights.
        MissingExtraError: PyTorch is not installed.
        ScanError: an image cannot be read.
    """
    if request.network is None or request.description is None:
        missing = "--network" if request.network is None else "--description"
        raise DataError(
            file=request.path,
            found=f"a state dict without {missing}",
            expected="the name of its architecture (--network NAME) and a YAML file with its classes (--description)",
            advice="names are listed by: tumorlens networks list",
        )
    network_facts(request.network)
    description = read_network_description(request.description)
    require("torch", "train", "run the weights of a network")
    from tumorlens.predictions.network_inference import NetworkInference

    model = NetworkInference(request.path, request.network, description, request.device)
    name = f"{request.path.stem} ({request.network})"
    return predict_table(request, name, model.classes, "state_dict", model.predict)


SOURCE = PredictionReader(
    "the state dict of a network of tumorlens (.safetensors, .pt) with --network and its description",
    lambda request: request.path.suffix.lower() in SUFFIXES and request.path.is_file(),
    read,
)
