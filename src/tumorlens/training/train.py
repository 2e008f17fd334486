"""The arrow recipe + table -> run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import lightning as L
import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from tumorlens._memory import keep_freed_memory
from tumorlens._record import Record
from tumorlens.auditing import check_leaks, find_linked_groups
from tumorlens.datasets import Sample, Table
from tumorlens.datasets.classes import HEALTHY
from tumorlens.errors import RecipeError, RunError
from tumorlens.models import ModelSpec, load_pretrained
from tumorlens.scan import GrayImage
from tumorlens.training.begun import Identity, check_folder, check_same
from tumorlens.training.checks import empty_masks, check_masks_show_tumors, check_fit, count_masks, learns_segmentation, needs_masks
from tumorlens.training.data_loading import loaders
from tumorlens.training.first_weights import check_first_weights
from tumorlens.training.image_cache import Masks, cached_images, cached_masks
from tumorlens.training.loop.checkpoints import load_kept
from tumorlens.training.loop.epoch_log import read_history
from tumorlens.training.loop.fit import fit, quiet, reproducible
from tumorlens.training.loop.freezing import freeze
from tumorlens.training.loop.precision import depthwise_in_float32, precision_here
from tumorlens.training.loop.supervised_task import Supervised
from tumorlens.training.prior_correction import correct_prior
from tumorlens.training.recipe import Recipe
from tumorlens.training.run import RECORD, Run, is_finished, load_run, save_parts, save_weights


def train(
    table: Table,
    recipe: Recipe,
    out: str | Path,
    *,
    seed: int = 0,
    resume: bool = False,
    allow_leak: bool = False,
    console: Console | None = None,
) -> Run:
    """Train a network on the train part of a table, and choose its epoch on the val part.

    No network ever sees the test part. The same table, recipe and seed give the same weights, bit for
    bit, on the same CPU, also when the run was killed and resumed; on a GPU, as far as CUDA has
    deterministic kernels.

    Args:
        table: with a split (`tumorlens.auditing.split_folds`).
        recipe: every choice of the run.
        out: the run's folder; must hold no run unless `resume`.
        seed: of weights, order, augmentation and dropout; 0 to 2**32 - 1.
        resume: go on after the last finished epoch found in `out`; a finished run is returned as it is.
        allow_leak: train although images of val or test are known from train; the record then says so.
        console: where progress is shown; None for silence.

    Raises:
        RunError: `out` holds a run already, or nothing to resume, or one begun with another recipe,
            seed, split or other images; or the loss is no longer finite.
        SplitError, RecipeError, ModelError: the recipe does not fit the table (`check_fit`).
        LeakError: a copy or a patient of val or test is in train, or the first weights were trained on images of val
            or test; says how many, and how to mend it.
        DataError: an image or a mask cannot be read.
        KeyboardInterrupt: Ctrl-C; the folder can be resumed.
    """
    folder, console = Path(out), console or Console(quiet=True)
    check_folder(folder, resume)
    if not 0 <= seed < 2**32:
        raise RunError(f"seed is {seed}; expected 0 to 2**32 - 1")
    spec, masks = check_fit(table, recipe), needs_masks(recipe)
    record = Record("train", seed=seed, resumed=resume)
    with console.status("reading images"):
        identity = Identity.of(table, recipe, seed, masks=masks)
    leaks = _check_leaks(table, recipe.pretrained, allow_leak, console)
    record.lap("audit")
    if resume:
        check_same(folder, identity)
        if is_finished(folder):
            return load_run(folder)
    keep_freed_memory()
    with quiet(), reproducible(recipe.deterministic):
        L.seed_everything(seed, verbose=False)
        here = recipe.model_copy(update={"precision": precision_here(recipe.precision)})
        task, origin = _task(spec, here, table, seed)
        images, drawn = _decode(table, spec, console, masks=masks)
        if drawn:
            check_masks_show_tumors(table, recipe, drawn)
            record.add(empty_masks=empty_masks(table, drawn))
        record.lap("decode")
        identity.write(folder)
        save_parts(folder, spec, table, recipe.to_yaml())
        batches = loaders(table, images, drawn, recipe, seed)
        trainer = fit(task, batches, here, folder, resume=resume, console=console)
        record.lap("fit")
        epoch = load_kept(task, folder, recipe.stop.keep)
        if recipe.prior_correction and batches[1]:
            healthy = next(i for i, name in enumerate(table.classes) if name in HEALTHY)
            units = len({sample.unit for sample in table.subset("val").samples})
            record.add(settled=correct_prior(task, batches[1], healthy, units))
        save_weights(folder, task.network)
    record.add(pretrained=origin, device=str(trainer.strategy.root_device), **_facts(table, identity, here))
    record.add(**_history(folder, epoch), leaks=leaks)
    record.write(folder, RECORD)
    return load_run(folder)


def _check_leaks(table: Table, pretrained: str, allow: bool, console: Console) -> list[dict[str, Any]]:
    """The leaks that were allowed, as plain data; what the first weights know is never allowed."""
    with console.status("looking for copies") as status:

        def show(done: int, total: int) -> None:
            status.update(f"looking for copies {done}/{total}")

        ties = find_linked_groups(table, progress=show)
    check_first_weights(table, ties, pretrained)
    found = check_leaks(table, ties, allow=allow)
    return [{"subset": leak.part, "by": leak.by, "images": len(leak.samples), "of": leak.rate.n} for leak in found]


def _task(spec: ModelSpec, recipe: Recipe, table: Table, seed: int) -> tuple[Supervised, str]:
    """What Lightning trains, and where its first weights came from."""
    network = spec.network()
    origin = "none"
    if recipe.pretrained != "none":
        origin = load_pretrained(network, spec.model, recipe.pretrained)
    if recipe.optimizer.freeze:
        freeze(network, recipe.optimizer.freeze)
    network = network.to(memory_format=torch.channels_last)
    if recipe.precision == "bf16" and not torch.cuda.is_available():
        depthwise_in_float32(network)
    weights = _balanced(table) if recipe.loss.class_weights == "balanced" else None
    task = Supervised(network, spec.preprocessing(), recipe, weights, seed, segments=learns_segmentation(recipe))
    return task, origin


def _balanced(table: Table) -> Tensor:
    """A weight for each class, inverse to its share of the train part; their mean over samples is 1."""
    counts = np.bincount(table.subset("train").labels, minlength=len(table.classes))
    if (counts == 0).any():
        absent = [name for name, n in zip(table.classes, counts, strict=True) if n == 0]
        raise RecipeError(f"loss.class_weights: balanced needs every class in train; {absent} absent")
    return torch.tensor(counts.sum() / (len(counts) * counts), dtype=torch.float32)


def _decode(table: Table, spec: ModelSpec, console: Console, *, masks: bool) -> tuple[GrayImage, Masks | None]:
    """All images on the canvas, and all masks of a run that needs them."""

    def show(what: str) -> Callable[[int, int], None]:
        return lambda done, total: status.update(f"decoding {what} {done}/{total}")

    preprocessing = spec.preprocessing()
    with console.status("decoding images") as status:
        images = cached_images(table, preprocessing, progress=show("images"))
        return images, cached_masks(table, preprocessing, progress=show("masks")) if masks else None


def _facts(table: Table, identity: Identity, recipe: Recipe) -> dict[str, Any]:
    """What the run was made of."""
    parts = {part: [s for s in table.samples if s.split == part] for part in ("train", "val", "test")}
    return {
        "data": table.name,
        "data_fingerprint": identity.data,
        "split_hash": identity.split,
        "split": table.plan.to_dict() if table.plan else None,
        "counts": {
            part: {"images": len(rows), "patients": len({s.patient for s in rows if s.patient})}
            for part, rows in parts.items()
            if rows
        },
        "masks": _masks(identity, recipe, parts),
        "notes": list(table.notes),
        "recipe": recipe.name,
        "precision": recipe.precision,
        "batch_size": recipe.batch_size,
        "threads": torch.get_num_threads(),
        "outputs": ["weights.safetensors", "model.json", "split.csv", "recipe.yaml", "history.csv"],
    }


def _masks(identity: Identity, recipe: Recipe, parts: dict[str, list[Sample]]) -> dict[str, Any] | None:
    """What was known of masks, of a run that was trained with them."""
    if identity.masks is None:
        return None
    counts = {part: count_masks(rows) for part, rows in parts.items() if rows and part != "test"}
    return {"fingerprint": identity.masks, "segmented": learns_segmentation(recipe), **counts}


def _history(folder: Path, epoch: int) -> dict[str, Any]:
    """What came of it; `epoch` is the one whose weights were kept."""
    history = read_history(folder / "history.csv")
    kept = next(row for row in history if int(row["epoch"]) == epoch)
    figures = ("val_loss", "val_accuracy", "val_dice", "val_energy", "val_pointing")
    return {
        "epochs_trained": len(history),
        "epoch_kept": epoch,
        "validation": {key: float(kept[key]) for key in figures if kept.get(key)},
        "images_per_second": median(float(row["images_per_second"]) for row in history),
    }
