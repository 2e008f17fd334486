"""Methods + a network that forgets -> whether their maps notice (Adebayo et al. 2018, arXiv:1810.03292)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tumorlens._arrays import Floats
from tumorlens.explanation.faithfulness.heat_maps import head_box, in_head, maps
from tumorlens.explanation.faithfulness.randomization import Stage, cascade, stages
from tumorlens.explanation.faithfulness.similarity import rank_correlations, similarities, with_strangers
from tumorlens.models import Network, Pipeline
from tumorlens.scan import GrayImage
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate

LIMIT = 0.5
"""Rank correlation with the first map, all weights random, from which a method fails: half way to not changing at all.

Maps of different images by one network are no better a limit, though they say what resemblance means nothing: a map
that is the same whatever the image and whatever the weights would never exceed it.
"""

IMAGES, DRAWS = 32, 5
"""Images of the test, and networks with all weights random: one that the stages end with, and new ones."""

SLOW = {"occlusion": (8, 2, 5)}
"""Methods that ask the network hundreds of times for one map: images, random networks, and every which stage."""


@dataclass(frozen=True)
class StageResult:
    """How much maps still resemble the first ones after one more stage has become random.

    Attributes:
        name: of the stage.
        reaches: whether anything changed: a map cannot depend on weights that come after what it looks at.
        rank: mean over images of Spearman's rank correlation with the map of the trained network.
        ssim: the same of structural similarity.
    """

    name: str
    reaches: bool
    rank: Estimate
    ssim: Estimate


@dataclass(frozen=True)
class Sanity:
    """What is left of a method's maps when nothing is left of what was learned.

    All maps are cut to the head. One that is constant correlates with nothing: its correlation is 0.

    Attributes:
        rank: Spearman's rank correlation with the map of the trained network when all weights are random, mean over
            random networks and images.
        ssim: the same of structural similarity.
        strangers: rank correlation of the trained network's maps of images of different patients: the
            resemblance that comes from the common shape of heads and from a place that is always hot.
        stages: one weights after the other, from the last to the first.
        images: how many took part; those whose first map is blank did not.
        draws: networks with all weights random.
    """

    rank: Estimate
    ssim: Estimate
    strangers: Estimate
    stages: tuple[StageResult, ...]
    images: int
    draws: int

    @property
    def fails(self) -> bool:
        """Whether the interval of `rank` reaches `LIMIT`, or there was no map to check."""
        end = self.rank.value if self.rank.high is None else self.rank.high
        return not end < LIMIT

    @property
    def verdict(self) -> str:
        """The finding in a sentence or two."""
        if not self.images:
            return "FAILS the sanity check: its maps are blank, so there is nothing to check."
        found = f"with all weights random its maps still correlate {self.rank} with those of the trained network"
        if not self.fails:
            return f"Passes the sanity check: {found}, below {LIMIT}."
        common = ""
        if not self.rank.value > self.strangers.value:
            common = (
                f" Maps of different patients correlate {self.strangers} as well: they all show much the same place."
            )
        return f"FAILS the sanity check: {found}; {LIMIT} or more does not show what was learned.{common}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "fails": self.fails,
            "verdict": self.verdict,
            "rank_correlation": self.rank.to_dict(),
            "ssim": self.ssim.to_dict(),
            "different_patients": self.strangers.to_dict(),
            "images": self.images,
            "random_networks": self.draws,
            "stages": [
                {
                    "name": stage.name,
                    "reaches": stage.reaches,
                    "rank_correlation": stage.rank.to_dict(),
                    "ssim": stage.ssim.to_dict(),
                }
                for stage in self.stages
            ],
        }


def check_sanity(
    pipeline: Pipeline,
    fresh: Callable[[], Network],
    images: Sequence[GrayImage],
    bootstrap: ClusterBootstrap,
    methods: Sequence[str],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Sanity]:
    """Randomize weights from the last stage to the first, then all at once, and compare maps each time.

    Args:
        pipeline: in evaluation mode.
        fresh: makes its network anew.
        images: at least one.
        bootstrap: their patients; its seed is that of the random weights too.
        methods: names.
        progress: called with (done, total).
    """
    inputs = torch.cat([pipeline.preprocessing(torch.from_numpy(image.copy())[None]) for image in images])
    inputs = inputs.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        targets = pipeline.network(inputs).logits.argmax(1).tolist()
    parts = stages(pipeline.network, inputs)
    tests = [_Test(name, images, bootstrap, targets, len(parts)) for name in methods]
    total = sum(test.work for test in tests)
    done = 0

    def look(changed: Pipeline, number: int, draw: int = 0) -> None:
        nonlocal done
        for test in tests:
            if draw < test.draws and number in test.walked:
                test.compare(changed, number, draw)
                done += len(test.images)
                if progress:
                    progress(done, total)

    for test in tests:
        test.begin(pipeline)
    for number, changed in enumerate(cascade(pipeline, fresh, parts, inputs, bootstrap.seed)):
        look(changed, number)
    whole = [Stage("all", tuple(name for part in parts for name in part.modules))]
    for draw in range(1, max(test.draws for test in tests)):
        for changed in cascade(pipeline, fresh, whole, inputs, bootstrap.seed + draw):
            look(changed, len(parts) - 1, draw)
    return {test.method: test.result(parts) for test in tests}


class _Test:
    """One method: its first maps, and how later ones compare."""

    def __init__(
        self, method: str, images: Sequence[GrayImage], bootstrap: ClusterBootstrap, targets: Sequence[int], parts: int
    ) -> None:
        count, self.draws, step = SLOW.get(method, (len(images), DRAWS, 1))
        self.method = method
        self.images, self.targets = images[:count], targets[:count]
        self.bootstrap = bootstrap.only(range(len(self.images)))
        self.walked = [number for number in range(parts) if (parts - 1 - number) % step == 0]
        self.heads = [head_box(image) for image in self.images]
        self.ranks: dict[int, Floats] = {}
        self.ssims: dict[int, Floats] = {}
        self.reaches: dict[int, bool] = {}
        self.all_random: list[tuple[Floats, Floats]] = []

    @property
    def work(self) -> int:
        """Maps that are made."""
        return len(self.images) * (len(self.walked) + self.draws - 1)

    def begin(self, pipeline: Pipeline) -> None:
        self.first = self.last = self._maps(pipeline)
        self.shown = self.first.max((1, 2)) > 0

    def compare(self, changed: Pipeline, number: int, draw: int) -> None:
        """Compare with the first maps, after a stage of the cascade (draw 0) or with yet another random network."""
        now = self._maps(changed)
        ranks, ssims = rank_correlations(self.first, now), similarities(self.first, now)
        if number == self.walked[-1]:
            self.all_random.append((ranks, ssims))
        if draw:
            return
        self.ranks[number], self.ssims[number] = ranks, ssims
        self.reaches[number] = not np.array_equal(now, self.last)
        self.last = now

    def result(self, parts: list[Stage]) -> Sanity:
        shown = self.shown
        kept = self.bootstrap.only(np.flatnonzero(shown))
        if not kept:
            none = Estimate(float("nan"), None, None, 0, 0, kept.unit, "none")
            return Sanity(none, none, none, (), 0, self.draws)
        drawn = BootstrapDraws.draw(kept)
        images = drawn.sums(np.ones(len(kept)))

        def mean(values: Floats) -> Estimate:
            return drawn.estimate(drawn.sums(values[shown]) / images)

        rank, ssim = (np.mean([pair[i] for pair in self.all_random], axis=0) for i in (0, 1))
        walked = tuple(
            StageResult(parts[i].name, self.reaches[i], mean(self.ranks[i]), mean(self.ssims[i])) for i in self.walked
        )
        strangers = with_strangers(self.first[shown], kept.units)
        known = np.isfinite(strangers)
        with np.errstate(invalid="ignore"):
            column = drawn.sums(np.where(known, strangers, 0)) / drawn.sums(known)
        return Sanity(mean(rank), mean(ssim), drawn.estimate(column, known), walked, len(kept), self.draws)

    def _maps(self, pipeline: Pipeline) -> npt.NDArray[np.float32]:
        made = maps(pipeline, self.images, self.targets, self.method)
        return np.stack([in_head(heatmap, head) for heatmap, head in zip(made, self.heads, strict=True)])
