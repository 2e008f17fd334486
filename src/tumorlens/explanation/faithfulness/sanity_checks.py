"""Network with random weights -> whether its heat maps change (sanity check, Adebayo et al. 2018, arXiv:1810.03292)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tumorlens._arrays import Floats, Floats32
from tumorlens._progress import Progress, silent
from tumorlens.explanation.faithfulness.heat_maps import crop_to_head, head_box, iter_heatmaps
from tumorlens.explanation.faithfulness.randomization import (
    RandomizationStage,
    cascading_randomization,
    randomization_stages,
)
from tumorlens.explanation.faithfulness.similarity import (
    correlations_between_units,
    rank_correlations,
    structural_similarities,
)
from tumorlens.models import Network, Pipeline
from tumorlens.scan import GrayImage
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate

MAX_CORRELATION = 0.5
"""A method fails if maps of the trained and of random networks reach this rank correlation: half of 1, no change.

The correlation between maps of different images would be no better threshold: a map that is the same for every image
and for all weights would never exceed it.
"""

SANITY_IMAGES, RANDOM_NETWORKS = 32, 5
"""Images of the check, and networks with all weights random: the last one of the cascade, and new ones."""

SLOW_METHODS = {"occlusion": (8, 2, 5)}
"""Methods with hundreds of forward passes per map: images, random networks, and the step between checked stages."""


@dataclass(frozen=True)
class StageSimilarity:
    """The similarity of maps to those of the trained network after one more stage has random weights.

    Attributes:
        name: of the stage.
        changes_map: whether any map changed: it cannot depend on weights behind the explained layer.
        rank_correlation: Spearman's, mean over images.
        ssim: structural similarity, mean over images.
    """

    name: str
    changes_map: bool
    rank_correlation: Estimate
    ssim: Estimate

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "name": self.name,
            "changes_map": self.changes_map,
            "rank_correlation": self.rank_correlation.to_dict(),
            "ssim": self.ssim.to_dict(),
        }


@dataclass(frozen=True)
class SanityCheck:
    """The similarity of a method's maps for the trained network and for random networks.

    All maps are cropped to the head. A constant map has a correlation of 0 with any other.

    Attributes:
        rank_correlation: Spearman's, between maps of the trained network and of networks with all weights random; mean
            over random networks and images.
        ssim: structural similarity of the same maps.
        between_patients: rank correlation between the trained network's maps of different patients: the similarity
            that comes from the shape of the head, and from regions with high values in every image.
        stages: cascading randomization, from the last stage to the first.
        images: number of images; those with a blank map of the trained network are left out.
        random_networks: number of networks with all weights random.
    """

    rank_correlation: Estimate
    ssim: Estimate
    between_patients: Estimate
    stages: tuple[StageSimilarity, ...]
    images: int
    random_networks: int

    @property
    def fails(self) -> bool:
        """Whether the interval of `rank_correlation` reaches `MAX_CORRELATION`, or every map is blank."""
        high = self.rank_correlation.high
        return not (self.rank_correlation.value if high is None else high) < MAX_CORRELATION

    @property
    def verdict(self) -> str:
        """The result in one or two sentences."""
        if not self.images:
            return "FAILS the sanity check: its maps are blank, so there is nothing to check."
        result = (
            f"with all weights random its maps correlate by {self.rank_correlation} with those of the trained network"
        )
        if not self.fails:
            return f"Passes the sanity check: {result}, below {MAX_CORRELATION}."
        common = ""
        if not self.rank_correlation.value > self.between_patients.value:
            common = (
                f" Maps of different patients correlate by {self.between_patients} as well: they all show much the "
                "same region."
            )
        return (
            f"FAILS the sanity check: {result}; maps that correlate by {MAX_CORRELATION} or more do not depend enough "
            f"on what the network has learned.{common}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "fails": self.fails,
            "verdict": self.verdict,
            "rank_correlation": self.rank_correlation.to_dict(),
            "ssim": self.ssim.to_dict(),
            "rank_correlation_between_patients": self.between_patients.to_dict(),
            "images": self.images,
            "random_networks": self.random_networks,
            "stages": [stage.to_dict() for stage in self.stages],
        }


def check_sanity(
    pipeline: Pipeline,
    new_network: Callable[[], Network],
    images: Sequence[GrayImage],
    bootstrap: ClusterBootstrap,
    methods: Sequence[str],
    *,
    progress: Progress = silent,
) -> dict[str, SanityCheck]:
    """Randomize weights from the last stage to the first, then all at once, and compare maps each time.

    Args:
        pipeline: in evaluation mode.
        new_network: makes its network with random weights.
        images: at least one.
        bootstrap: of these images; its seed is also that of the random weights.
        methods: names.
        progress: called while maps of random networks are made.
    """
    device = pipeline.temperature.device
    inputs = torch.cat([pipeline.preprocessing(torch.from_numpy(image.copy())[None].to(device)) for image in images])
    inputs = inputs.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        targets = pipeline.network(inputs).logits.argmax(1).tolist()
    stages = randomization_stages(pipeline.network, inputs)
    checks = [_MethodCheck(name, images, bootstrap, targets, len(stages)) for name in methods]
    total = sum(check.n_maps for check in checks)
    done = 0

    def compare(randomized: Pipeline, stage: int, network: int = 0) -> None:
        nonlocal done
        for check in checks:
            if network < check.random_networks and stage in check.stages:
                check.compare(randomized, stage, network)
                done += len(check.images)
                progress("randomizing weights", done, total)

    for check in checks:
        check.explain_trained(pipeline)
    for stage, randomized in enumerate(cascading_randomization(pipeline, new_network, stages, inputs, bootstrap.seed)):
        compare(randomized, stage)
    everything = [RandomizationStage("all", tuple(name for stage in stages for name in stage.modules))]
    for network in range(1, max(check.random_networks for check in checks)):
        seed = bootstrap.seed + network
        for randomized in cascading_randomization(pipeline, new_network, everything, inputs, seed):
            compare(randomized, len(stages) - 1, network)
    return {check.method: check.result(stages) for check in checks}


class _MethodCheck:
    """One method: its maps for the trained network, and their similarity to maps of randomized networks."""

    def __init__(
        self,
        method: str,
        images: Sequence[GrayImage],
        bootstrap: ClusterBootstrap,
        targets: Sequence[int],
        n_stages: int,
    ) -> None:
        count, self.random_networks, step = SLOW_METHODS.get(method, (len(images), RANDOM_NETWORKS, 1))
        self.method = method
        self.images, self.targets = images[:count], targets[:count]
        self.bootstrap = bootstrap.only(range(len(self.images)))
        self.stages = [stage for stage in range(n_stages) if (n_stages - 1 - stage) % step == 0]
        self.heads = [head_box(image) for image in self.images]
        self.rank_correlations: dict[int, Floats] = {}
        self.ssim: dict[int, Floats] = {}
        self.changes_map: dict[int, bool] = {}
        self.all_random: list[tuple[Floats, Floats]] = []

    @property
    def n_maps(self) -> int:
        """Number of maps to make."""
        return len(self.images) * (len(self.stages) + self.random_networks - 1)

    def explain_trained(self, pipeline: Pipeline) -> None:
        self.trained = self.last = self._maps(pipeline)
        self.nonblank = self.trained.max((1, 2)) > 0

    def compare(self, randomized: Pipeline, stage: int, network: int) -> None:
        """Compare with the trained network, after a stage of the cascade (network 0) or with another random network."""
        maps = self._maps(randomized)
        correlations, ssim = rank_correlations(self.trained, maps), structural_similarities(self.trained, maps)
        if stage == self.stages[-1]:
            self.all_random.append((correlations, ssim))
        if network:
            return
        self.rank_correlations[stage], self.ssim[stage] = correlations, ssim
        self.changes_map[stage] = not np.array_equal(maps, self.last)
        self.last = maps

    def result(self, stages: list[RandomizationStage]) -> SanityCheck:
        bootstrap = self.bootstrap.only(np.flatnonzero(self.nonblank))
        if not bootstrap:
            undefined = Estimate(float("nan"), None, None, 0, 0, bootstrap.unit, "none")
            return SanityCheck(undefined, undefined, undefined, (), 0, self.random_networks)
        resampled = BootstrapDraws.draw(bootstrap)
        images = resampled.sums(np.ones(len(bootstrap)))

        def mean(values: Floats) -> Estimate:
            return resampled.estimate(resampled.sums(values[self.nonblank]) / images)

        correlation, ssim = (np.mean([pair[i] for pair in self.all_random], axis=0) for i in (0, 1))
        similarities = tuple(
            StageSimilarity(stages[i].name, self.changes_map[i], mean(self.rank_correlations[i]), mean(self.ssim[i]))
            for i in self.stages
        )
        between = correlations_between_units(self.trained[self.nonblank], bootstrap.units)
        known = np.isfinite(between)
        with np.errstate(invalid="ignore"):
            column = resampled.sums(np.where(known, between, 0)) / resampled.sums(known)
        return SanityCheck(
            rank_correlation=mean(correlation),
            ssim=mean(ssim),
            between_patients=resampled.estimate(column, known),
            stages=similarities,
            images=len(bootstrap),
            random_networks=self.random_networks,
        )

    def _maps(self, pipeline: Pipeline) -> Floats32:
        heatmaps = iter_heatmaps(pipeline, self.images, self.targets, self.method)
        return np.stack([crop_to_head(heatmap, head) for heatmap, head in zip(heatmaps, self.heads, strict=True)])
