"""A folder of images -> classes with eager PyTorch and timm, as people write it."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import timm
import torch
from PIL import Image
from rounds import serve
from torchvision import transforms

BATCH = 32


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("network")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tuned", action="store_true", help="channels-last; the allocator is set from outside")
    chosen = parser.parse_args()

    layout = torch.channels_last if chosen.tuned else torch.contiguous_format
    model = timm.create_model(chosen.network, num_classes=4).to(memory_format=layout).eval()
    transform = transforms.Compose(
        [transforms.Resize((224, 224)), transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)]
    )
    paths = sorted(chosen.folder.iterdir())

    def classes(part: list[Path]) -> list[int]:
        batch = torch.stack([transform(Image.open(path).convert("RGB")) for path in part])
        with torch.inference_mode():
            best: list[int] = model(batch.contiguous(memory_format=layout)).argmax(1).tolist()
        return best

    def one_round() -> float:
        begun = time.perf_counter()
        found = [found for i in range(0, len(paths), BATCH) for found in classes(paths[i : i + BATCH])]
        return len(found) / (time.perf_counter() - begun)

    classes(paths[:BATCH])
    serve(one_round)


if __name__ == "__main__":
    main()
