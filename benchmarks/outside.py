"""How many images that are not brain MRI a run flags, how many of its test slices, and how other scores would do.

    python benchmarks/outside.py RUN [--images FOLDER]...

Images are drawn when the script begins, and taken from scikit-image, scikit-learn and Matplotlib where those are
installed; --images adds the images of a folder, counted by themselves. RUN needs its data.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from strangers import gray, photographs, read_folder, strangers

from tumorlens.datasets import Sample
from tumorlens.evaluation import infer
from tumorlens.evaluation.analyses.ood import MARGIN
from tumorlens.evaluation.analyses.ood.fit_ood import to_fit_on
from tumorlens.models import InDistributionSubspace, OODScore, Pipeline, principal_subspace
from tumorlens.models.ood import N_COMPONENTS
from tumorlens.stats.conformal import pooled
from tumorlens.training import load_run

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """Features (N, C) and logits (N, K) of some images."""

    features: Floats
    logits: Floats


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--images", type=Path, action="append", default=[], help="a folder; repeatable")
    parser.add_argument("--each", type=int, default=16, help="drawn images of each kind")
    given = parser.parse_args()
    run = load_run(given.run)
    table, pipeline = run.table(), run.pipeline()
    parts = {name: list(table.subset(name).samples) for name in ("val", "test")}
    train = to_fit_on(table)
    known = {name: _of_samples(pipeline, samples) for name, samples in {"train": train, **parts}.items()}
    named = [*strangers(each=given.each), *photographs()]
    foreign = _of_images(pipeline, [gray(image) for _, image in named])
    folders = {f"{place}": _of_images(pipeline, [p for _, p in read_folder(place)]) for place in given.images}
    kinds = np.array([kind for kind, _ in named])
    units = [sample.unit for sample in parts["val"]]
    print(f"{len(kinds)} images that are no MRI, {len(parts['test'])} test slices, fitted on {len(train)}")
    print("flagged, %: test slices, not MRI; AUROC between both; folders; kinds flagged least")
    for name, score in _scores(train, known["train"]).items():
        margins = (1.0, MARGIN) if name.startswith("distance") else (1.0,)
        for margin in margins:
            levels, above = pooled(score(known["val"]), units)
            limit = margin * float(levels[np.argmax(above <= 0.05 + 1e-9)])
            tested, strange = score(known["test"]), score(foreign)
            shares = [f"{100 * np.mean(score(seen) > limit):.1f} {place}" for place, seen in folders.items()]
            by_kind = sorted((float(np.mean(strange[kinds == kind] > limit)), kind) for kind in set(kinds.tolist()))
            least = ", ".join(f"{kind} {100 * share:.0f}" for share, kind in by_kind[:3])
            print(
                f"{name + f' x {margin}' * (margin != 1):42s} {100 * np.mean(tested > limit):5.1f} "
                f"{100 * np.mean(strange > limit):5.1f} {_auroc(tested, strange):.4f}  {'; '.join([*shares, least])}"
            )


def _scores(train: Sequence[Sample], seen: Seen) -> dict[str, Callable[[Seen], Floats]]:
    """Name to a function of `Seen`; higher is stranger."""
    labels = np.array([sample.label for sample in train])
    unit = seen.features / np.linalg.norm(seen.features, axis=1, keepdims=True)

    def energy(of: Seen) -> Floats:  # Liu et al. 2020
        top = of.logits.max(1, keepdims=True)
        return -(top[:, 0] + np.log(np.exp(of.logits - top).sum(1)))

    def unsure(of: Seen) -> Floats:  # Hendrycks and Gimpel 2017
        top = of.logits.max(1, keepdims=True)
        return 1 - 1 / np.exp(of.logits - top).sum(1)

    def neighbors(of: Seen) -> Floats:  # Sun et al. 2022, the tenth neighbor
        rows = of.features / np.linalg.norm(of.features, axis=1, keepdims=True)
        return np.partition(1 - rows @ unit.T, 10, axis=1)[:, 10]

    plane, product = _plain(seen.features), OODScore(principal_subspace(seen.features))
    inside = (seen.features - plane.center) @ plane.axes
    means = np.array([inside[labels == name].mean(0) for name in np.unique(labels)])
    spread = inside - means[np.searchsorted(np.unique(labels), labels)]
    precision, background = np.linalg.inv(np.cov(spread.T)), np.linalg.inv(np.cov(inside.T))

    def mahalanobis(of: Seen) -> Floats:  # Lee et al. 2018, in the plane
        apart = ((of.features - plane.center) @ plane.axes)[:, None] - means
        return np.einsum("nkd,de,nke->nk", apart, precision, apart).min(1)

    def relative(of: Seen) -> Floats:  # Ren et al. 2021
        apart = (of.features - plane.center) @ plane.axes
        return mahalanobis(of) - np.einsum("nd,de,ne->n", apart, background, apart)

    def distance(of: Seen) -> Floats:  # the residual of Wang et al. 2022
        apart = of.features - plane.center
        return np.linalg.norm(apart - (apart @ plane.axes) @ plane.axes.T, axis=1)

    def forward(of: Seen) -> Floats:  # the product's: the same of features brought forward
        return product.score(torch.from_numpy(of.features.astype(np.float32))).double().numpy()

    scale = -energy(seen).mean() / distance(seen).mean()

    def virtual_logit(of: Seen) -> Floats:  # Wang et al. 2022
        return scale * distance(of) + energy(of)

    return {
        "energy": energy,
        "1 - largest probability": unsure,
        "Mahalanobis": mahalanobis,
        "relative Mahalanobis": relative,
        "tenth neighbor": neighbors,
        "ViM": virtual_logit,
        "distance from the plane": distance,
        "distance, features brought forward": forward,
    }


def _plain(features: Floats) -> InDistributionSubspace:
    """The principal components of features as they are."""
    center = features.mean(0)
    _, vectors = np.linalg.eigh(np.cov(features.T))
    return InDistributionSubspace(center, vectors[:, ::-1][:, :N_COMPONENTS])


def _of_samples(pipeline: Pipeline, samples: Sequence[Sample]) -> Seen:
    answers = infer(pipeline, samples)
    return Seen(answers.features.astype(np.float64), answers.logits)


def _of_images(pipeline: Pipeline, images: Sequence[npt.NDArray[np.uint8]]) -> Seen:
    features, logits = [], []
    for image in images:
        with torch.inference_mode():
            answer = pipeline(torch.from_numpy(image.copy())[None])
        features.append(answer.pooled[0].double().numpy())
        logits.append(answer.logits[0].double().numpy())
    return Seen(np.array(features), np.array(logits))


def _auroc(usual: Floats, strange: Floats) -> float:
    order = np.searchsorted(np.sort(usual), strange, side="left") + np.searchsorted(
        np.sort(usual), strange, side="right"
    )
    return float(order.mean() / 2 / len(usual))


if __name__ == "__main__":
    main()
