"""Batch norm's statistics are recomputed over the training subset before each validation."""

from __future__ import annotations

from pathlib import Path

import torch

from tumorlens.datasets import Table
from tumorlens.training import cached_images, load_recipe, train


def test_the_statistics_are_those_of_the_training_subset(phantom_table: Table, tmp_path: Path) -> None:
    settings = ["input.size=32", "epochs=1", "batch_size=4", "precise_batch_norm=true"]
    run = train(phantom_table, load_recipe("demo", settings), tmp_path / "run")
    network, preprocessing = run.network(), run.spec.preprocessing()
    convolution, norm = network.stages[0][0][0], network.stages[0][0][1]
    images = cached_images(phantom_table, preprocessing)
    rows = [i for i, s in enumerate(phantom_table.samples) if s.split == "train"]
    with torch.no_grad():
        maps = convolution(preprocessing.normalize(torch.from_numpy(images[rows].copy())[:, None].float()))
    torch.testing.assert_close(norm.running_mean, maps.mean((0, 2, 3)), rtol=1e-3, atol=1e-4)


def test_without_it_they_are_running_averages(phantom_table: Table, tmp_path: Path) -> None:
    settings = ["input.size=32", "epochs=1", "batch_size=4"]
    plain = train(phantom_table, load_recipe("demo", settings), tmp_path / "plain")
    precise = train(phantom_table, load_recipe("demo", [*settings, "precise_batch_norm=true"]), tmp_path / "precise")
    first, second = plain.network().state_dict(), precise.network().state_dict()
    assert torch.equal(first["head.weight"], second["head.weight"])  # the weights do not depend on it
    assert not torch.equal(first["stages.0.0.1.running_mean"], second["stages.0.0.1.running_mean"])
