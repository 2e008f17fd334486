"""State dict of a network of tumorlens -> probabilities and masks of slices, by PyTorch."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from tumorlens.datasets.formats.class_folders import class_name
from tumorlens.errors import DataError, ModelError
from tumorlens.models import ModelSpec, Network, Pipeline, architecture_info
from tumorlens.models.pretrained import read_state_dict
from tumorlens.predictions.network_description import NetworkDescription
from tumorlens.predictions.onnx_inference import SliceOutput
from tumorlens.scan import GrayImage
from tumorlens.scan.input_geometry import InputGeometry

_PREFIXES = ("module.", "network.", "model.")  # of DataParallel, of Lightning and of wrappers
_SHOWN = 3  # names of weights in a message


class NetworkInference:
    """A network of tumorlens with given weights and a described input.

    Args:
        path: of its state dict.
        name: of its architecture.
        description: of its input and classes.
        device: of PyTorch.

    Raises:
        ModelError: no such architecture, no state dict without code, or weights that do not fit.
        DataError: the description does not fit the architecture.
    """

    def __init__(
        self, path: Path, name: str, description: NetworkDescription, device: Literal["cpu", "cuda"] = "cpu"
    ) -> None:
        self.classes = tuple(class_name(one) for one in description.output.classes)
        spec = _spec(path, name, self.classes, description)
        network = spec.network()
        _load(network, read_state_dict(path), path, name, len(self.classes))
        segments = description.mask is not None
        if segments and not architecture_info(name).segments:
            raise DataError(
                file=path, found=f"a mask in the description of {name}", expected="none: it does not segment"
            )
        pipeline = Pipeline(spec.preprocessing(), network, segments=segments).eval()
        self._pipeline = pipeline.to(memory_format=torch.channels_last).to(device)
        self._threshold = description.mask.threshold if description.mask else 0.5
        self._device = device

    def predict(self, slices: Iterable[GrayImage], batch_size: int) -> Iterator[SliceOutput]:
        """Predict slices; neighbors of one size go in batches."""
        batch: list[GrayImage] = []
        for gray in slices:
            if batch and (len(batch) == batch_size or gray.shape != batch[0].shape):
                yield from self._predict(batch)
                batch = []
            batch.append(gray)
        if batch:
            yield from self._predict(batch)

    def _predict(self, batch: list[GrayImage]) -> Iterator[SliceOutput]:
        started = time.perf_counter()
        with torch.inference_mode():
            output = self._pipeline(torch.from_numpy(np.stack(batch)).to(self._device))
        rows = output.probabilities.double().cpu().numpy()
        charts = output.mask.float().cpu().numpy()
        milliseconds = 1000 * (time.perf_counter() - started) / len(batch)
        window = self._pipeline.preprocessing.input_geometry.crop_window(*batch[0].shape)
        for row, chart in zip(rows, charts, strict=True):
            mask = (window.to_image(chart) >= self._threshold).astype(np.uint8) if chart.size else None
            yield SliceOutput(row, mask, milliseconds)


def _spec(path: Path, name: str, classes: tuple[str, ...], description: NetworkDescription) -> ModelSpec:
    info, given = architecture_info(name), description.input
    if given.channels not in (1, 3):
        raise DataError(file=path, found=f"{given.channels} as 'input.channels'", expected="1 or 3")
    low, high = given.range
    mean, std = given.mean or info.mean, given.std or info.std
    for key, values in (("mean", given.mean), ("std", given.std)):
        if values is not None and len(values) not in (1, 3):
            raise DataError(file=path, found=f"{list(values)} as 'input.{key}'", expected="1 or 3 numbers")
    if min(std) <= 0 or high <= low:
        raise DataError(
            file=path,
            found=f"range {list(given.range)} and std {list(std)}",
            expected="a range from a lower to a higher value, and std above 0",
        )
    if given.channels == 3:  # `Preprocessing` takes one value for each channel
        mean, std = (values * (3 // len(values)) for values in (mean, std))
    scale = high - low
    return ModelSpec(
        model=name,
        classes=classes,
        channels=given.channels,
        input_geometry=InputGeometry(given.size or info.input_size, given.resize),
        mean=tuple((one - low) / scale for one in mean),
        std=tuple(one / scale for one in std),
        options=description.options,
    )


def _load(network: Network, state: dict[str, Tensor], path: Path, name: str, classes: int) -> None:
    """Load all weights, under their names or under those names with a prefix.

    Raises:
        ModelError: weights are missing, left over, or of another shape.
    """
    wanted = network.state_dict()
    for prefix in _PREFIXES:
        if state and all(key.startswith(prefix) for key in state) and not all(key in wanted for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    other = [key for key in state if key in wanted and state[key].shape != wanted[key].shape]
    complaints = {
        "missing": [key for key in wanted if key not in state],
        "not of this network": [key for key in state if key not in wanted],
        "of another shape": other,
    }
    found = [
        f"{len(keys)} tensor{'s' * (len(keys) > 1)} {what} ({', '.join(keys[:_SHOWN])}{', ...' * (len(keys) > _SHOWN)})"
        for what, keys in complaints.items()
        if keys
    ]
    if found:
        raise ModelError(
            file=path,
            found="; ".join(found),
            expected=f"all weights of {name} with {classes} classes",
            advice="check --network, and classes, channels and options of the description",
        )
    network.load_state_dict(state)
