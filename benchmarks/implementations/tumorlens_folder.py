"""A folder of images -> classes with a model file."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from rounds import serve

import tumorlens


def main() -> None:
    predictor = tumorlens.load(sys.argv[1])
    paths = sorted(Path(sys.argv[2]).iterdir())

    def classes(image_paths: list[Path]) -> list[str]:
        results = [result for _, result in predictor.predict_many(image_paths, heatmap=False)]
        return [result.label for result in results if isinstance(result, tumorlens.Prediction)]

    def one_round() -> float:
        start = time.perf_counter()
        predictions = classes(paths)
        return len(predictions) / (time.perf_counter() - start)

    classes(paths[:32])
    serve(one_round)


if __name__ == "__main__":
    main()
