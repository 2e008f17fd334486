"""The bare ONNX session on the images of a folder, held in memory: MODEL FOLDER JOBS -> seconds for all of them."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime as ort

from tumorlens.scan import read_scan


def main() -> None:
    """Warm up, then compute all images once for each line of standard input."""
    model, folder, jobs = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    images = [read_scan(path).gray_slice()[None] for path in sorted(folder.iterdir())]

    def run(image: np.ndarray) -> None:  # type: ignore[type-arg]
        session.run(["probabilities", "mask"], {"image": image})

    with ThreadPoolExecutor(jobs) as workers:
        list(workers.map(run, images[:jobs]))
        print("ready", flush=True)
        for _ in sys.stdin:
            start = time.perf_counter()
            list(workers.map(run, images))
            print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
