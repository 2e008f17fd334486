"""A folder of images -> classes with eager PyTorch and timm, as in common scripts."""

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
    parser.add_argument("--tuned", action="store_true", help="channels-last; the allocator is set by the environment")
    options = parser.parse_args()

    layout = torch.channels_last if options.tuned else torch.contiguous_format
    model = timm.create_model(options.network, num_classes=4).to(memory_format=layout).eval()
    transform = transforms.Compose(
        [transforms.Resize((224, 224)), transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)]
    )
    paths = sorted(options.folder.iterdir())

    def classes(batch_paths: list[Path]) -> list[int]:
        batch = torch.stack([transform(Image.open(path).convert("RGB")) for path in batch_paths])
        with torch.inference_mode():
            best: list[int] = model(batch.contiguous(memory_format=layout)).argmax(1).tolist()
        return best

    def one_round() -> float:
        start = time.perf_counter()
        predictions = [label for i in range(0, len(paths), BATCH) for label in classes(paths[i : i + BATCH])]
        return len(predictions) / (time.perf_counter() - start)

    classes(paths[:BATCH])
    serve(one_round)


if __name__ == "__main__":
    main()
