"""One image in memory -> probabilities, and a heat map if asked for, with a bundle."""

from __future__ import annotations

import argparse

import numpy as np
from PIL import Image
from rounds import milliseconds, serve

import tumorlens


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle")
    parser.add_argument("image")
    parser.add_argument("times", type=int)
    parser.add_argument("--heatmap", action="store_true")
    chosen = parser.parse_args()

    predictor = tumorlens.load(chosen.bundle)
    gray = np.array(Image.open(chosen.image).convert("L"))

    def predict() -> tumorlens.Prediction:
        return predictor.predict(gray, heatmap=chosen.heatmap)

    assert (predict().heatmap is not None) == chosen.heatmap
    milliseconds(predict, 5)
    serve(lambda: milliseconds(predict, chosen.times))


if __name__ == "__main__":
    main()
