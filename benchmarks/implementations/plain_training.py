"""Folder of phantoms -> images per second of a plain training loop: eager PyTorch, float32, no cache."""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import timm
import torch
from PIL import Image
from rounds import serve
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

WARM_UP = 1  # steps of a round that do not count
PREFETCHED = 4  # batches that two workers may have ready when the clock starts; as many must remain when it stops


class PlainImages(Dataset[tuple[Tensor, int]]):
    def __init__(self, folder: Path, length: int) -> None:
        with (folder / "phantom.csv").open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        classes = sorted({row["label"] for row in rows})
        samples = [(folder / row["image"], classes.index(row["label"])) for row in rows]
        self.samples = (samples * (length // len(samples) + 1))[:length]
        self.transform = transforms.Compose(
            [
                transforms.Resize((224, 224)),
                transforms.RandomHorizontalFlip(),
                transforms.RandomAffine(
                    20,
                    translate=(0.1, 0.1),
                    scale=(0.8, 1.2),
                    interpolation=transforms.InterpolationMode.BILINEAR,
                ),
                transforms.ColorJitter(brightness=0.2),
                transforms.ToTensor(),
                transforms.Normalize([0.5] * 3, [0.5] * 3),
            ]
        )

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        path, label = self.samples[index]
        image: Tensor = self.transform(Image.open(path).convert("RGB"))
        return image, label


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("network")
    parser.add_argument("steps", type=int)
    parser.add_argument("batch", type=int)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--tuned", action="store_true", help="channels-last; the allocator is set by the environment")
    chosen = parser.parse_args()
    steps, batch = chosen.steps, chosen.batch

    layout = torch.channels_last if chosen.tuned else torch.contiguous_format
    model = timm.create_model(chosen.network, num_classes=4).to(memory_format=layout).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.01)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    dataset = PlainImages(chosen.folder, batch * (WARM_UP + steps + (PREFETCHED if chosen.workers else 0)))

    def one_round() -> float:
        loader = DataLoader(dataset, batch, shuffle=True, num_workers=chosen.workers)
        for step, (images, labels) in enumerate(loader, start=1):
            optimizer.zero_grad()
            loss = criterion(model(images.to(memory_format=layout)), labels)
            loss.backward()
            optimizer.step()
            loss.item()
            if step == WARM_UP:
                start = time.perf_counter()
            if step == WARM_UP + steps:
                break
        return float(batch * steps / (time.perf_counter() - start))

    serve(one_round)


if __name__ == "__main__":
    main()
