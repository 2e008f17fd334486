"""Run folder -> a run: trained weights, how to build the network, the data, the recipe, and the record of training."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
import yaml
from pydantic import JsonValue, ValidationError
from safetensors.torch import load_file, save_file

from tumorlens._files import atomic_write
from tumorlens._record import write_json
from tumorlens.datasets import Table, read_table, write_table
from tumorlens.errors import ModelError, RunError
from tumorlens.models import InDistributionSubspace, ModelSpec, Network, Pipeline, architecture_info
from tumorlens.training.run_record import RunRecord

WEIGHTS, MODEL, SPLIT, RECIPE, RECORD = (
    "weights.safetensors",
    "model.json",
    "split.csv",
    "recipe.yaml",
    "run.json",
)


@dataclass(frozen=True)
class Run:
    """A finished training run.

    Attributes:
        folder: holds weights.safetensors, model.json, split.csv, recipe.yaml, run.json.
        spec: how to build the network and its preprocessing.
        record: what training did: versions, seed, data fingerprint, split hash, epochs.
        device: of PyTorch, on which its network runs: ``"cpu"`` or ``"cuda"``.

    Example:
        >>> import tumorlens
        >>> run = tumorlens.load_run("run")  # the folder of a finished training on phantoms
        >>> run.table()
        Table(phantom: 24 images, 12 patients, 4 classes, train 8, val 8, test 8)
        >>> run.spec.model, run.record.epochs_trained, run.segments
        ('mini_resnet', 2, False)
    """

    folder: Path
    spec: ModelSpec
    record: RunRecord
    device: str = field(default="cpu", kw_only=True)

    def __repr__(self) -> str:
        parts = [self.spec.model, f"{len(self.spec.classes)} classes", f"recipe {self.record.recipe}"]
        return f"Run({self.folder}: {', '.join(parts)}, seed {self.record.seed})"

    @property
    def segments(self) -> bool:
        """Whether it was trained to segment tumors.

        False also where a network with a segmentation head was trained on labels alone, or where masks only guided its
        class activation maps.
        """
        masks = self.record.masks
        return architecture_info(self.spec.model).segments and masks is not None and masks.segmented

    def evaluation_folder(self, name: str = "test") -> Path:
        """The folder of the evaluation on a subset (``"test"``, ``"val"``) or on an external table of this name."""
        return self.folder / "evaluations" / name

    def table(self) -> Table:
        """The data of the run, each sample with its subset.

        Raises:
            DataError: an image is no longer in its place.
        """
        return read_table(self.folder / SPLIT)

    def settings(self) -> dict[str, JsonValue]:
        """All values of its recipe; empty where the folder has no recipe."""
        path = self.folder / RECIPE
        values: dict[str, JsonValue] = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return values

    def network(self) -> Network:
        """The trained network, in evaluation mode.

        Raises:
            ModelError: the weights do not fit the architecture.
        """
        network = self.spec.network()
        try:
            network.load_state_dict(load_file(self.folder / WEIGHTS))
        except (RuntimeError, ValueError) as error:
            raise ModelError(
                file=self.folder / WEIGHTS,
                found=f"its weights do not fit ({str(error).splitlines()[0].rstrip(':')})",
                expected=f"weights of {self.spec.model}",
                advice="train the run anew",
            ) from None
        return network.eval()

    def pipeline(self, temperature: float = 1.0, subspace: InDistributionSubspace | None = None) -> Pipeline:
        """Images -> probabilities, with the run's own preprocessing, in evaluation mode."""
        parts = self.spec.preprocessing(), self.network(), temperature
        pipeline: Pipeline = Pipeline(*parts, segments=self.segments, subspace=subspace).eval().to(self.device)
        return pipeline

    def on(self, device: str) -> Run:
        """The same run, whose network runs on another device.

        Raises:
            ModelError: this machine has no such device, or this PyTorch cannot use it.
        """
        there = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
        if device not in there:
            raise ModelError(
                found=f"device {device}, and PyTorch {torch.__version__} on a machine where it can use none",
                expected=f"a device that is there: {', '.join(there)}",
                advice="leave out the device, or install PyTorch for it",
            )
        return replace(self, device=device)


def load_run(folder: str | Path) -> Run:
    """Read a run folder.

    Raises:
        RunError: a file is missing, damaged or of another version; training was not finished, or this is no run.

    Example:
        >>> import tumorlens
        >>> tumorlens.load_run("run")  # the folder of a finished training
        Run(run: mini_resnet, 4 classes, recipe demo, seed 0)
    """
    folder = Path(folder)
    missing = [name for name in (WEIGHTS, MODEL, SPLIT, RECORD) if not (folder / name).is_file()]
    if missing:
        raise RunError(
            file=folder,
            found=f"{', '.join(missing)} not found",
            expected="the folder of a finished 'tumorlens train'",
        )
    try:
        spec = ModelSpec.from_dict(json.loads((folder / MODEL).read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            file=folder,
            found=f"{MODEL} is damaged or of another version ({error!r})",
            advice="train the run anew",
        ) from None
    try:
        record = RunRecord.model_validate_json((folder / RECORD).read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole file"
        raise RunError(
            file=folder,
            found=f"{RECORD} is damaged or of another version ({where}: {first['msg']})",
            advice="train the run anew",
        ) from None
    return Run(folder, spec, record)


def is_finished(folder: Path) -> bool:
    """Whether training in this folder has ended: the record is written last."""
    return (folder / RECORD).is_file()


def save_settings(folder: Path, spec: ModelSpec, table: Table, recipe_yaml: str) -> None:
    """Write what is known before the first epoch: model.json, split.csv and recipe.yaml."""
    write_json(spec.to_dict(), folder / MODEL)
    write_table(table, folder / SPLIT)
    (folder / RECIPE).write_text(recipe_yaml, encoding="utf-8")


def save_weights(folder: Path, network: Network) -> None:
    """Write the weights, whole or not at all."""
    with atomic_write(folder / WEIGHTS) as part:
        save_file({key: value.cpu().contiguous() for key, value in network.state_dict().items()}, part)
