"""A folder of images -> classes with a bundle."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from rounds import serve

import tumorlens


def main() -> None:
    predictor = tumorlens.load(sys.argv[1])
    paths = sorted(Path(sys.argv[2]).iterdir())

    def classes(part: list[Path]) -> list[str]:
        answers = [answer for _, answer in predictor.predict_many(part, heatmap=False)]
        return [answer.label for answer in answers if isinstance(answer, tumorlens.Prediction)]

    def one_round() -> float:
        begun = time.perf_counter()
        found = classes(paths)
        return len(found) / (time.perf_counter() - begun)

    classes(paths[:32])
    serve(one_round)


if __name__ == "__main__":
    main()
