"""The share of non-brain images and of test slices that a run flags as out-of-distribution, by several OOD scores.

    python benchmarks/ood.py RUN [--images FOLDER]...

Non-brain images are generated, and read from scikit-image, scikit-learn and Matplotlib where these are installed;
--images adds the images of a folder, with a share of their own. RUN needs its data.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from non_brain_images import generate_images, photographs, read_folder, to_gray

from tumorlens._arrays import Floats
from tumorlens.datasets import Sample
from tumorlens.evaluation.fit_ood import THRESHOLD_SCALE, fitting_samples
from tumorlens.evaluation.inference import infer
from tumorlens.models import InDistributionSubspace, OODScore, Pipeline, principal_subspace
from tumorlens.models.ood import N_COMPONENTS
from tumorlens.stats.conformal import pooled
from tumorlens.training import load_run


@dataclass(frozen=True)
class NetworkOutputs:
    """Features (N, C) and logits (N, K) of N images."""

    features: Floats
    logits: Floats


Score = Callable[[NetworkOutputs], Floats]


def main() -> None:
    """Compute all scores and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--images", type=Path, action="append", default=[], help="a folder; repeatable")
    parser.add_argument("--each", type=int, default=16, help="generated images of each kind")
    options = parser.parse_args()
    run = load_run(options.run)
    table, pipeline = run.table(), run.pipeline()
    subsets = {name: list(table.subset(name).samples) for name in ("val", "test")}
    train = fitting_samples(table)
    outputs = {name: _of_samples(pipeline, samples) for name, samples in {"train": train, **subsets}.items()}
    generated = [*generate_images(each=options.each), *photographs()]
    non_brain = _of_images(pipeline, [to_gray(image) for _, image in generated])
    folders = {f"{path}": _of_images(pipeline, [pixels for _, pixels in read_folder(path)]) for path in options.images}
    kinds = np.array([kind for kind, _ in generated])
    units = [sample.unit for sample in subsets["val"]]
    print(f"{len(kinds)} non-brain images, {len(subsets['test'])} test slices, fitted on {len(train)}")
    print("flagged, %: test slices, non-brain images; AUROC between both; folders; kinds with the lowest shares")
    for name, score in _scores(train, outputs["train"]).items():
        scales = (1.0, THRESHOLD_SCALE) if name.startswith("distance") else (1.0,)
        for scale in scales:
            levels, above = pooled(score(outputs["val"]), units)
            threshold = scale * float(levels[np.argmax(above <= 0.05 + 1e-9)])
            of_test, of_non_brain = score(outputs["test"]), score(non_brain)
            shares = [f"{100 * np.mean(score(images) > threshold):.1f} {path}" for path, images in folders.items()]
            by_kind = sorted(
                (float(np.mean(of_non_brain[kinds == kind] > threshold)), kind) for kind in set(kinds.tolist())
            )
            lowest = ", ".join(f"{kind} {100 * share:.0f}" for share, kind in by_kind[:3])
            print(
                f"{name + f' x {scale}' * (scale != 1):42s} {100 * np.mean(of_test > threshold):5.1f} "
                f"{100 * np.mean(of_non_brain > threshold):5.1f} {_auroc(of_test, of_non_brain):.4f}  "
                f"{'; '.join([*shares, lowest])}"
            )


def _scores(train: Sequence[Sample], fitted: NetworkOutputs) -> dict[str, Score]:
    """Name to OOD score, fitted on training images; higher is further from them."""
    labels = np.array([sample.label for sample in train])
    unit = fitted.features / np.linalg.norm(fitted.features, axis=1, keepdims=True)

    def energy(of: NetworkOutputs) -> Floats:  # Liu et al. 2020
        top = of.logits.max(1, keepdims=True)
        return -(top[:, 0] + np.log(np.exp(of.logits - top).sum(1)))

    def uncertainty(of: NetworkOutputs) -> Floats:  # Hendrycks and Gimpel 2017
        top = of.logits.max(1, keepdims=True)
        return 1 - 1 / np.exp(of.logits - top).sum(1)

    def neighbors(of: NetworkOutputs) -> Floats:  # Sun et al. 2022, the tenth neighbor
        rows = of.features / np.linalg.norm(of.features, axis=1, keepdims=True)
        return np.partition(1 - rows @ unit.T, 10, axis=1)[:, 10]

    subspace, product = _raw_subspace(fitted.features), OODScore(principal_subspace(fitted.features))
    projected = (fitted.features - subspace.center) @ subspace.axes
    means = np.array([projected[labels == name].mean(0) for name in np.unique(labels)])
    residuals = projected - means[np.searchsorted(np.unique(labels), labels)]
    precision, overall_precision = np.linalg.inv(np.cov(residuals.T)), np.linalg.inv(np.cov(projected.T))

    def mahalanobis(of: NetworkOutputs) -> Floats:  # Lee et al. 2018, in the subspace
        offsets = ((of.features - subspace.center) @ subspace.axes)[:, None] - means
        return np.einsum("nkd,de,nke->nk", offsets, precision, offsets).min(1)

    def relative(of: NetworkOutputs) -> Floats:  # Ren et al. 2021
        offsets = (of.features - subspace.center) @ subspace.axes
        return mahalanobis(of) - np.einsum("nd,de,ne->n", offsets, overall_precision, offsets)

    def distance(of: NetworkOutputs) -> Floats:  # the residual of Wang et al. 2022
        offsets = of.features - subspace.center
        return np.linalg.norm(offsets - (offsets @ subspace.axes) @ subspace.axes.T, axis=1)

    def power_normalized(of: NetworkOutputs) -> Floats:  # the score of tumorlens
        return product.score(torch.from_numpy(of.features.astype(np.float32))).double().numpy()

    scale = -energy(fitted).mean() / distance(fitted).mean()

    def virtual_logit(of: NetworkOutputs) -> Floats:  # Wang et al. 2022
        return scale * distance(of) + energy(of)

    return {
        "energy": energy,
        "1 - largest probability": uncertainty,
        "Mahalanobis": mahalanobis,
        "relative Mahalanobis": relative,
        "tenth neighbor": neighbors,
        "ViM": virtual_logit,
        "distance from the subspace": distance,
        "distance, power-normalized features": power_normalized,
    }


def _raw_subspace(features: Floats) -> InDistributionSubspace:
    """The principal components of features without normalization."""
    center = features.mean(0)
    _, vectors = np.linalg.eigh(np.cov(features.T))
    return InDistributionSubspace(center, vectors[:, ::-1][:, :N_COMPONENTS])


def _of_samples(pipeline: Pipeline, samples: Sequence[Sample]) -> NetworkOutputs:
    inference = infer(pipeline, samples)
    return NetworkOutputs(inference.features.astype(np.float64), inference.logits)


def _of_images(pipeline: Pipeline, images: Sequence[npt.NDArray[np.uint8]]) -> NetworkOutputs:
    features, logits = [], []
    for image in images:
        with torch.inference_mode():
            output = pipeline(torch.from_numpy(image.copy())[None])
        features.append(output.pooled[0].double().numpy())
        logits.append(output.logits[0].double().numpy())
    return NetworkOutputs(np.array(features), np.array(logits))


def _auroc(negative: Floats, positive: Floats) -> float:
    ordered = np.sort(negative)
    ranks = np.searchsorted(ordered, positive, side="left") + np.searchsorted(ordered, positive, side="right")
    return float(ranks.mean() / 2 / len(negative))


if __name__ == "__main__":
    main()
