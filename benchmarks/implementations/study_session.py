"""A series read and run through a model: MODE MODEL FOLDER JOBS -> seconds. MODE is bare, tumorlens or monai.

``bare`` is the limit: our reading, and ONNX Runtime alone, JOBS slices at one time with a thread each. ``monai`` is
MONAI's loader, and the same network in eager PyTorch with all threads, one slice at a time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime as ort
from rounds import serve

import tumorlens
from tumorlens._legacy import graph_names
from tumorlens.deploy.shipped import model_path


def bare(model: str, folder: Path, jobs: int) -> Callable[[], None]:
    """Reading, windowing, and the session."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model_path(model), options, providers=["CPUExecutionProvider"])
    names = graph_names([output.name for output in session.get_outputs()])
    wanted = [names[name] for name in ("probabilities", "mask", "ood_score")]

    def run(image: np.ndarray) -> None:  # type: ignore[type-arg]
        session.run(wanted, {"image": image[None]})

    def call() -> None:
        volume = tumorlens.read_volume(folder)
        with ThreadPoolExecutor(jobs) as workers:
            list(workers.map(run, [volume[index].gray_slice() for index in range(len(volume))]))

    return call


def product(model: str, folder: Path, jobs: int) -> Callable[[], None]:
    """Findings in 3D, in a process that has the model loaded."""
    predictor = tumorlens.load(model, threads=1)

    def call() -> None:
        tumorlens.predict_study(folder, predictor, planes="acquired")

    return call


def monai(model: str, folder: Path, jobs: int) -> Callable[[], None]:
    """MONAI's loader and eager PyTorch; weights are random, since speed does not depend on them."""
    import torch
    from monai.transforms import LoadImage

    from tumorlens.models import create

    card = tumorlens.load(model).card
    network = card.training.network
    network = create(card.model, len(card.classes), options=network.options if network else {}).eval()
    load, side = LoadImage(reader="PydicomReader", image_only=True), card.input_geometry.size

    def call() -> None:
        voxels = torch.as_tensor(load(folder)).float()
        with torch.inference_mode():
            for index in range(voxels.shape[2]):
                image = voxels[:, :, index].T[None, None] / 4095
                resized = torch.nn.functional.interpolate(image, (side, side), mode="bilinear")
                network(resized.expand(-1, 3, -1, -1))

    return call


def main() -> None:
    """One study for each round."""
    mode, model, folder, jobs = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
    call = {"bare": bare, "tumorlens": product, "monai": monai}[mode](model, folder, jobs)

    def one_round() -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    one_round()
    serve(one_round)


if __name__ == "__main__":
    main()
