"""Folder of phantoms -> images per second of `tumorlens.training.train`, as history.csv has them."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from statistics import harmonic_mean
from tempfile import TemporaryDirectory

from rounds import serve

from tumorlens.auditing import split_folds
from tumorlens.datasets import open_table
from tumorlens.training import load_recipe, train
from tumorlens.training.loop.epoch_log import read_history


def main() -> None:
    folder, network, steps, batch = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    table = split_folds(open_table(folder), folds=2, val=0.0)  # half of the images are train
    steps_per_epoch = len(table.subset("train")) // batch
    epochs = 1 + math.ceil(steps / steps_per_epoch)  # the first one warms up
    budget = [f"model={network}", "pretrained=none", f"epochs={epochs}", f"batch_size={batch}"]
    recipe = load_recipe("finetune", [*budget, *sys.argv[5:]])

    def one_round() -> float:
        with TemporaryDirectory() as out:
            run = train(table, recipe, Path(out) / "run")
            history = read_history(run.folder / "history.csv")
        return harmonic_mean([float(row["images_per_second"]) for row in history[1:]])

    serve(one_round)


if __name__ == "__main__":
    main()
