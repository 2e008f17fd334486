"""One image in memory -> probabilities, and on request a heat map, with a model file."""

from __future__ import annotations

import argparse

import numpy as np
from PIL import Image
from rounds import milliseconds, serve

import tumorlens


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model_file")
    parser.add_argument("image")
    parser.add_argument("times", type=int)
    parser.add_argument("--heatmap", action="store_true")
    options = parser.parse_args()

    predictor = tumorlens.load(options.model_file)
    gray = np.array(Image.open(options.image).convert("L"))

    def predict() -> tumorlens.Prediction:
        return predictor.predict(gray, heatmap=options.heatmap)

    assert (predict().heatmap is not None) == options.heatmap
    milliseconds(predict, 5)
    serve(lambda: milliseconds(predict, options.times))


if __name__ == "__main__":
    main()
