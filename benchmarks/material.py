"""Seed -> what the contestants work on: phantoms as images, untrained networks as bundles and weights."""

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

# tumorlens's name of a network -> timm's
NETWORKS = {"efficientnet_lite0": "tf_efficientnet_lite0", "efficientnet_b0": "efficientnet_b0"}
SLICES = 4


@dataclass(frozen=True)
class Settings:
    """How much is measured.

    Attributes:
        patients: phantoms drawn, of `SLICES` images each; half of the images are trained on.
        side: of an image, pixels.
        rounds: of training.
        steps: training steps of a round.
        batch: images of a training step.
        images: read from disk in a round of their own.
        folder_rounds: how many such rounds.
        predictions: warm ones in a round, of which the median counts.
        short_rounds: of everything that takes seconds.
        fingerprints: how many are matched, one number after the other.
        passes: of a network through large inputs in a round, of which the median counts.
        grid: side of the maps that attention looks over.
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
    """A folder with everything, and how to ask for parts of it.

    Attributes:
        folder: goes away again.
        settings: how much is measured.
        data: folder of real images that the audit is asked to look at instead of phantoms.
    """

    folder: Path
    settings: Settings
    data: Path | None = None

    @property
    def phantoms(self) -> Path:
        """images/*.png and phantom.csv: what training reads."""
        return self.folder / "phantoms"

    @property
    def images(self) -> Path:
        """The same phantoms as PNG and, mirrored, as JPEG: what prediction reads."""
        made = self.folder / "images"
        if not made.exists():
            made.mkdir()
            drawn = sorted((self.phantoms / "images").iterdir())[: self.settings.images // 2]
            for i, path in enumerate(drawn):
                with Image.open(path) as image:
                    image.save(made / f"{i:04d}.png")
                    ImageOps.mirror(image).save(made / f"{i:04d}.jpg", quality=92)
        return made

    @property
    def image(self) -> Path:
        """One of them."""
        return self.images / "0000.png"

    @property
    def audited(self) -> Path:
        """What the audit looks at: two files a phantom, as the commonest public set has two a slice."""
        if self.data:
            return self.data
        made = self.folder / "audited"
        if not made.exists():
            for i, sample in enumerate(open_table(self.phantoms).samples):
                part = made / ("Testing" if i % 5 == 0 else "Training") / sample.label
                part.mkdir(parents=True, exist_ok=True)
                with Image.open(sample.image) as image:
                    image.save(part / f"{i:04d}.jpg", quality=92)
                    ImageOps.mirror(image).save(part / f"{i:04d}m.jpg", quality=92)
        return made

    @property
    def audited_files(self) -> int:
        """How many files that is."""
        return len(open_table(self.audited))

    def bundle(self, network: str) -> Path:
        """A bundle of the network after a few steps of training: its speed does not depend on its weights."""
        made = self.folder / f"{network}.onnx"
        if not made.exists():
            few = open_table(self.phantoms).where(lambda sample: sample.id.endswith("_00.png"))
            changes = [f"model={network}", "pretrained=none", "epochs=1", "batch_size=4", "optimizer.lr=1e-5"]
            run = train(split_folds(few, folds=2, val=0.5), load_recipe("finetune", changes), self.folder / network)
            export(run, made)
        return made

    def bundle_without_heatmap(self, network: str) -> Path:
        """The same bundle with the heat map taken out of its graph."""
        made = self.folder / f"{network}.plain.onnx"
        if not made.exists():
            model = onnx.load(self.bundle(network))
            outputs = model.graph.output
            outputs.remove(next(output for output in outputs if output.name == "cam"))
            entry = next(entry for entry in model.metadata_props if entry.key == KEY)
            entry.value = json.dumps(json.loads(entry.value) | {"heatmap": False})
            onnx.save(model, made)
        return made

    def weights(self, network: str) -> Path:
        """Weights of timm's network, as people keep them."""
        made = self.folder / f"{network}.pt"
        if not made.exists():
            torch.save(timm.create_model(NETWORKS[network], num_classes=len(phantom.PHANTOM_CLASSES)).state_dict(), made)
        return made


@contextmanager
def material(settings: Settings, data: Path | None = None) -> Iterator[Material]:
    """Draw the phantoms in a folder that goes away again."""
    with TemporaryDirectory(prefix="tumorlens-benchmark-") as name:
        made = Material(Path(name), settings, data)
        phantom.make(made.phantoms, patients=settings.patients, slices=SLICES, size=settings.side)
        yield made
