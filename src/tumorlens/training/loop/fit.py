"""Task + batches -> checkpoints: Lightning, configured so that a run is reproducible and can be resumed."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.loggers import TensorBoardLogger

from tumorlens._progress import Progress
from tumorlens.training.data_loading import Loader
from tumorlens.training.loop.batch_norm import PreciseBatchNorm
from tumorlens.training.loop.checkpoints import LAST, Checkpoints, ResumableEarlyStopping
from tumorlens.training.loop.epoch_log import EpochLog
from tumorlens.training.loop.supervised_task import SupervisedTask
from tumorlens.training.recipe import Recipe


def fit(
    task: SupervisedTask,
    batches: tuple[Loader, Loader | None],
    recipe: Recipe,
    folder: Path,
    *,
    resume: bool,
    progress: Progress,
) -> L.Trainer:
    """Train to the end; write checkpoints, history.csv and TensorBoard files into the folder.

    Args:
        task: trained in place.
        batches: of the training subset, and of the validation subset where there is one.
        recipe: epochs, early stopping, and a precision other than ``"auto"``.
        folder: of the run.
        resume: continue after the last finished epoch, where there is one.
        progress: called after every step.

    Raises:
        KeyboardInterrupt: Ctrl-C; the folder can be resumed.
        RunError: the loss is no longer finite.
    """
    trainer = L.Trainer(
        accelerator="auto",
        devices=1,
        precision="bf16-mixed" if recipe.precision == "bf16" else "32-true",
        max_epochs=recipe.epochs,
        callbacks=_callbacks(recipe, folder, progress),
        logger=TensorBoardLogger(folder, name="tensorboard", version=""),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        # Some CUDA kernels have no deterministic version: warn about these only.
        deterministic="warn" if recipe.deterministic and torch.cuda.is_available() else recipe.deterministic,
    )
    last = folder / LAST
    with _interruptible():
        trainer.fit(task, *batches, ckpt_path=last if resume and last.is_file() else None, weights_only=True)
    return trainer


def _callbacks(recipe: Recipe, folder: Path, progress: Progress) -> list[L.Callback]:
    stop = recipe.stop
    mode = "min" if stop.monitor == "val_loss" else "max"
    early = [ResumableEarlyStopping(stop.monitor, mode=mode, patience=stop.patience)] if stop.patience else []
    norms = [PreciseBatchNorm()] if recipe.precise_batch_norm else []
    return [*norms, EpochLog(folder, progress), *early, Checkpoints(folder, stop.checkpoint_every, stop.monitor)]


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Restore the usual Ctrl-C: Lightning turns it into SystemExit and ignores further ones."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as stop:
        if not isinstance(stop.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hide Lightning's advice about loaders and hardware."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            warnings.filterwarnings("ignore", module="torch")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def reproducible(on: bool) -> Iterator[None]:
    """Use deterministic algorithms during the run only; cuBLAS needs a fixed workspace.

    Filling new memory is a debugging aid that costs a fifth of the time and changes no result here.
    """
    settings: Any = torch.utils.deterministic
    mode, fill = torch.get_deterministic_debug_mode(), settings.fill_uninitialized_memory
    if on:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        settings.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(mode)
        settings.fill_uninitialized_memory = fill
