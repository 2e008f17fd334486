"""Seed -> input of the implementations: phantoms as images, briefly trained networks as ONNX models and weights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import timm
import torch
from PIL import Image, ImageOps

from tumorlens.auditing import split_folds
from tumorlens.datasets import open_table, phantom
from tumorlens.deploy.export import export
from tumorlens.model_card.card import KEY
from tumorlens.training import load_recipe, train

# name of a network in tumorlens -> name in timm
NETWORKS = {"efficientnet_lite0": "tf_efficientnet_lite0", "efficientnet_b0": "efficientnet_b0"}
SLICES = 4


@dataclass(frozen=True)
class Settings:
    """The size of the measurements.

    Attributes:
        patients: phantom patients, with `SLICES` images each; half of the images are used for training.
        side: of an image, pixels.
        rounds: of training.
        steps: training steps per round.
        batch: images per training step.
        images: read from disk in a separate round.
        folder_rounds: number of such rounds.
        predictions: warm predictions per round, of which the median counts.
        short_rounds: of measurements that take seconds.
        fingerprints: numbers of fingerprints to match, one measurement each.
        passes: forward passes per round with large inputs, of which the median counts.
        grid: side of the feature maps of the attention layers.
        large: side of the largest input of a network, pixels.
    """

    patients: int = 32
    side: int = 512
    rounds: int = 3
    steps: int = 4
    batch: int = 32
    images: int = 250
    folder_rounds: int = 3
    predictions: int = 25
    short_rounds: int = 5
    fingerprints: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    passes: int = 5
    grid: int = 80
    large: int = 640


FULL = Settings()
QUICK = Settings(
    patients=16,
    side=128,
    rounds=1,
    steps=2,
    batch=4,
    images=20,
    folder_rounds=1,
    predictions=3,
    short_rounds=1,
    fingerprints=(2_000, 25_000),
    passes=1,
    grid=20,
    large=128,
)


@dataclass(frozen=True)
class Material:
    """A folder with the input of all implementations; each item is made on first use.

    Attributes:
        folder: temporary.
        settings: the size of the measurements.
        data: folder of real images to audit instead of phantoms.
    """

    folder: Path
    settings: Settings
    data: Path | None = None

    @property
    def phantoms(self) -> Path:
        """images/*.png and phantom.csv: the input of training."""
        return self.folder / "phantoms"

    @property
    def images(self) -> Path:
        """The same phantoms as PNG and, mirrored, as JPEG: the input of prediction."""
        path = self.folder / "images"
        if not path.exists():
            path.mkdir()
            phantoms = sorted((self.phantoms / "images").iterdir())[: self.settings.images // 2]
            for i, source in enumerate(phantoms):
                with Image.open(source) as image:
                    image.save(path / f"{i:04d}.png")
                    ImageOps.mirror(image).save(path / f"{i:04d}.jpg", quality=92)
        return path

    @property
    def image(self) -> Path:
        """One of them."""
        return self.images / "0000.png"

    @property
    def audited(self) -> Path:
        """The input of the audit: two files per phantom, as the most used public data set has two per slice."""
        if self.data:
            return self.data
        path = self.folder / "audited"
        if not path.exists():
            for i, sample in enumerate(open_table(self.phantoms).samples):
                folder = path / ("Testing" if i % 5 == 0 else "Training") / sample.label
                folder.mkdir(parents=True, exist_ok=True)
                with Image.open(sample.image) as image:
                    image.save(folder / f"{i:04d}.jpg", quality=92)
                    ImageOps.mirror(image).save(folder / f"{i:04d}m.jpg", quality=92)
        return path

    @property
    def audited_files(self) -> int:
        """The number of files to audit."""
        return len(open_table(self.audited))

    def model_file(self, network: str) -> Path:
        """An ONNX model of the network after a few training steps: its speed does not depend on its weights."""
        path = self.folder / f"{network}.onnx"
        if not path.exists():
            few = open_table(self.phantoms).filter(lambda sample: sample.id.endswith("_00.png"))
            changes = [f"model={network}", "pretrained=none", "epochs=1", "batch_size=4", "optimizer.lr=1e-5"]
            run = train(split_folds(few, folds=2, val=0.5), load_recipe("finetune", changes), self.folder / network)
            export(run, path)
        return path

    def model_file_without_heatmap(self, network: str) -> Path:
        """The same model with the heat map removed from its graph."""
        path = self.folder / f"{network}.plain.onnx"
        if not path.exists():
            model = onnx.load(self.model_file(network))
            outputs = model.graph.output
            outputs.remove(next(output for output in outputs if output.name == "cam"))
            entry = next(entry for entry in model.metadata_props if entry.key == KEY)
            entry.value = json.dumps(json.loads(entry.value) | {"heatmap": False})
            onnx.save(model, path)
        return path

    def weights(self, network: str) -> Path:
        """Weights of timm's network, as a PyTorch file."""
        path = self.folder / f"{network}.pt"
        if not path.exists():
            model = timm.create_model(NETWORKS[network], num_classes=len(phantom.PHANTOM_CLASSES))
            torch.save(model.state_dict(), path)
        return path


@contextmanager
def material(settings: Settings, data: Path | None = None) -> Iterator[Material]:
    """Render the phantoms into a temporary folder."""
    with TemporaryDirectory(prefix="tumorlens-benchmark-") as name:
        temporary = Material(Path(name), settings, data)
        phantom.make(temporary.phantoms, patients=settings.patients, slices=SLICES, size=settings.side)
        yield temporary
