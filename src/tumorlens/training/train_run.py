"""Recipe + table -> run: checks, initial weights, decoded images, the training loop, and what is written at the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import lightning as L
import numpy as np
import torch
from torch import Tensor

from tumorlens._memory import keep_freed_memory
from tumorlens._progress import Progress, ProgressOption, progress_of
from tumorlens._record import Record
from tumorlens._results_folder import claim_folder
from tumorlens.auditing import check_leaks, find_linked_groups
from tumorlens.datasets import Sample, Table
from tumorlens.datasets.classes import HEALTHY
from tumorlens.datasets.data_records import AllowedLeak, MaskUse, SampleCount
from tumorlens.errors import RecipeError, RunError
from tumorlens.models import ModelSpec, load_pretrained
from tumorlens.scan import GrayImage
from tumorlens.training.checks import (
    check_fit,
    check_masks_show_tumors,
    count_masks,
    empty_masks,
    learns_segmentation,
    needs_masks,
)
from tumorlens.training.data_loading import loaders
from tumorlens.training.image_cache import Masks, cached_images, cached_masks
from tumorlens.training.loop.checkpoints import load_kept
from tumorlens.training.loop.epoch_log import VALIDATION_METRICS, read_history
from tumorlens.training.loop.fit import fit, quiet, reproducible
from tumorlens.training.loop.freezing import freeze
from tumorlens.training.loop.precision import depthwise_in_float32, precision_here
from tumorlens.training.loop.supervised_task import SupervisedTask
from tumorlens.training.pretraining_leak import check_pretraining_leak
from tumorlens.training.prior_correction import correct_prior
from tumorlens.training.recipe import Recipe
from tumorlens.training.run import RECORD, Run, is_finished, load_run, save_settings, save_weights
from tumorlens.training.run_record import RUN_RECORD_VERSION
from tumorlens.training.training_start import TrainingStart, check_resumable, check_same_start


def train(
    table: Table,
    recipe: Recipe,
    out: str | Path,
    *,
    seed: int = 0,
    resume: bool = False,
    allow_leak: bool = False,
    progress: ProgressOption = None,
) -> Run:
    """Train a network on the training subset of a table, and choose its epoch on the validation subset.

    The test subset is never read. The same table, recipe and seed give the same weights, bit for bit, on the same CPU,
    also when training was interrupted and resumed; on a GPU, as far as CUDA has deterministic kernels.

    Args:
        table: with a split (`tumorlens.auditing.split_folds`).
        recipe: every choice of the run.
        out: the run's folder; must hold no run unless `resume`.
        seed: of weights, order, augmentation and dropout; 0 to 2**32 - 1.
        resume: continue after the last finished epoch in `out`; a finished run is returned as it is.
        allow_leak: train although images of val or test leak from train; the record then lists the leaks.
        progress: a callable, True for bars, None for silence; each epoch is also a log message.

    Raises:
        ResultsFolderError: `out` holds other files, or another process is writing to it.
        RunError: `out` holds nothing to resume, or a run that was started with another recipe, seed, split or other
            images; or the loss is no longer finite.
        SplitError, RecipeError, ModelError: the recipe does not fit the table (`check_fit`).
        LeakError: train holds a duplicate or a patient of val or test, or the initial weights were trained on images of
            val or test; says how many, and what to do.
        DataError: an image or a mask cannot be read.
        KeyboardInterrupt: Ctrl-C; the folder can be resumed.

    Example:
        >>> import tumorlens
        >>> table = tumorlens.split_folds(tumorlens.open_table("phantoms"), folds=3)  # a folder of synthetic images
        >>> recipe = tumorlens.load_recipe("demo", ["epochs=1", "input.size=32"])
        >>> tumorlens.train(table, recipe, "new-run")
        Run(new-run: mini_resnet, 4 classes, recipe demo, seed 0)
    """
    check_resumable(Path(out), resume)
    with progress_of(progress) as shown, claim_folder(out, started=resume) as folder:
        return _train(table, recipe, folder, seed=seed, resume=resume, allow_leak=allow_leak, progress=shown)


def _train(
    table: Table, recipe: Recipe, folder: Path, *, seed: int, resume: bool, allow_leak: bool, progress: Progress
) -> Run:
    if not 0 <= seed < 2**32:
        raise RunError(found=f"seed is {seed}", expected="0 to 2**32 - 1")
    spec, with_masks = check_fit(table, recipe), needs_masks(recipe)
    record = Record("train", schema_version=RUN_RECORD_VERSION, seed=seed, resumed=resume)
    progress("hashing images", 0, 1)
    start = TrainingStart.of(table, recipe, seed, masks=with_masks)
    progress("hashing images", 1, 1)
    leaks = _check_leaks(table, recipe.pretrained, allow_leak, progress)
    record.lap("audit")
    if resume:
        check_same_start(folder, start)
        if is_finished(folder):
            return load_run(folder)
    keep_freed_memory()
    with quiet(), reproducible(recipe.deterministic):
        L.seed_everything(seed, verbose=False)
        here = recipe.model_copy(update={"precision": precision_here(recipe.precision)})
        task, origin = _task(spec, here, table, seed)
        images, masks = _decode(table, spec, progress, masks=with_masks)
        if masks:
            check_masks_show_tumors(table, recipe, masks)
            record.add(empty_masks=empty_masks(table, masks))
        record.lap("decode")
        start.write(folder)
        save_settings(folder, spec, table, recipe.to_yaml())
        batches = loaders(table, images, masks, recipe, seed)
        trainer = fit(task, batches, here, folder, resume=resume, progress=progress)
        record.lap("fit")
        epoch = load_kept(task, folder, recipe.stop.keep)
        if recipe.prior_correction and batches[1]:
            healthy = next(i for i, name in enumerate(table.classes) if name in HEALTHY)
            units = len({sample.unit for sample in table.subset("val").samples})
            record.add(prior_correction=correct_prior(task, batches[1], healthy, units))
        save_weights(folder, task.network)
    record.add(pretrained=origin, device=str(trainer.strategy.root_device))
    _add_facts(record, table, start, here)
    _add_history(record, folder, epoch)
    record.add(leaks=[leak.model_dump() for leak in leaks])
    record.write(folder, RECORD)
    return load_run(folder)


def _check_leaks(table: Table, pretrained: str, allow: bool, progress: Progress) -> Sequence[AllowedLeak]:
    """The leaks that were allowed. Images that the initial weights were trained on are never allowed."""
    groups = find_linked_groups(table, progress=progress)
    check_pretraining_leak(table, groups, pretrained)
    leaks = check_leaks(table, groups, allow=allow)
    return [AllowedLeak(subset=leak.subset, by=leak.by, images=len(leak.samples), of=leak.rate.n) for leak in leaks]


def _task(spec: ModelSpec, recipe: Recipe, table: Table, seed: int) -> tuple[SupervisedTask, str]:
    """The Lightning module, and the origin of its initial weights."""
    network = spec.network()
    origin = "none"
    if recipe.pretrained != "none":
        origin = load_pretrained(network, spec.model, recipe.pretrained)
    if recipe.optimizer.frozen_stages:
        freeze(network, recipe.optimizer.frozen_stages)
    network = network.to(memory_format=torch.channels_last)
    if recipe.precision == "bf16" and not torch.cuda.is_available():
        depthwise_in_float32(network)
    weights = _balanced(table) if recipe.loss.class_weights == "balanced" else None
    task = SupervisedTask(network, spec.preprocessing(), recipe, weights, seed, segments=learns_segmentation(recipe))
    return task, origin


def _balanced(table: Table) -> Tensor:
    """A weight for each class, inverse to its share of the training subset; their mean over samples is 1."""
    counts = np.bincount(table.subset("train").labels, minlength=len(table.classes))
    if (counts == 0).any():
        absent = [name for name, n in zip(table.classes, counts, strict=True) if n == 0]
        raise RecipeError(
            found=f"loss.class_weights is balanced, and no training image is of {', '.join(absent)}",
            expected="training images of every class",
            advice="set loss.class_weights=none, or add images",
        )
    return torch.tensor(counts.sum() / (len(counts) * counts), dtype=torch.float32)


def _decode(table: Table, spec: ModelSpec, progress: Progress, *, masks: bool) -> tuple[GrayImage, Masks | None]:
    """All images at the network's input size, and all masks of a run that needs them."""
    preprocessing = spec.preprocessing()
    images = cached_images(table, preprocessing, progress=progress)
    return images, cached_masks(table, preprocessing, progress=progress) if masks else None


def _add_facts(record: Record, table: Table, start: TrainingStart, recipe: Recipe) -> None:
    """Add data, split, recipe and machine to the record."""
    subsets = {name: [s for s in table.samples if s.split == name] for name in ("train", "val", "test")}
    counts = {name: SampleCount.of(rows) for name, rows in subsets.items() if rows}
    masks = _mask_use(start.mask_fingerprint, recipe, subsets) if start.mask_fingerprint else None
    record.add(
        data=table.name,
        data_fingerprint=start.data_fingerprint,
        split_hash=start.split_hash,
        split=table.plan.to_dict() if table.plan else None,
        counts={name: count.model_dump() for name, count in counts.items()},
        masks=masks.model_dump(exclude_none=True) if masks else None,
        notes=list(table.notes),
        recipe=recipe.name,
        precision=recipe.precision,
        batch_size=recipe.batch_size,
        threads=torch.get_num_threads(),
        outputs=["weights.safetensors", "model.json", "split.csv", "recipe.yaml", "history.csv"],
    )


def _mask_use(fingerprint: str, recipe: Recipe, subsets: dict[str, list[Sample]]) -> MaskUse:
    """The reference masks of a run that was trained with them."""
    train, val = (count_masks(subsets[name]) if subsets[name] else None for name in ("train", "val"))
    return MaskUse(fingerprint=fingerprint, segmented=learns_segmentation(recipe), train=train, val=val)


def _add_history(record: Record, folder: Path, epoch: int) -> None:
    """Add the outcome of training to the record; `epoch` is the one whose weights were kept."""
    history = read_history(folder / "history.csv")
    kept = next(row for row in history if int(row["epoch"]) == epoch)
    record.add(
        epochs_trained=len(history),
        epoch_kept=epoch,
        validation={key: float(kept[key]) for key in VALIDATION_METRICS if kept.get(key)},
        images_per_second=median(float(row["images_per_second"]) for row in history),
    )
