"""One image in memory -> probabilities with eager PyTorch and timm."""

from __future__ import annotations

import argparse

import numpy as np
import timm
import torch
from PIL import Image
from rounds import milliseconds, serve
from torchvision import transforms


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("network")
    parser.add_argument("image")
    parser.add_argument("times", type=int)
    parser.add_argument("--tuned", action="store_true", help="channels-last; the allocator is set by the environment")
    options = parser.parse_args()

    layout = torch.channels_last if options.tuned else torch.contiguous_format
    model = timm.create_model(options.network, num_classes=4).to(memory_format=layout).eval()
    transform = transforms.Compose(
        [transforms.Resize((224, 224)), transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)]
    )
    gray = np.array(Image.open(options.image).convert("L"))

    def predict() -> list[float]:
        inputs = transform(Image.fromarray(gray).convert("RGB"))[None].contiguous(memory_format=layout)
        with torch.inference_mode():
            return torch.softmax(model(inputs), 1)[0].tolist()

    milliseconds(predict, 5)
    serve(lambda: milliseconds(predict, options.times))


if __name__ == "__main__":
    main()
