"""Run with several tumor classes + data labeled tumor / no tumor -> the same run with its tumor classes merged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tumorlens.datasets import Table
from tumorlens.datasets.classes import HEALTHY
from tumorlens.models import ModelOutput, Network
from tumorlens.training import Run

TUMOR = "tumor"
"""The class name of any tumor in binary data."""


@dataclass(frozen=True)
class BinaryTaskRun(Run):
    """A run whose tumor classes are merged into one.

    Its temperature and its thresholds are those of the binary task: they are fitted anew on the validation subset. Its
    network does not end with a single linear layer, and so has no class activation maps.

    Attributes:
        original: the run as it was trained.
        healthy: index of the class without tumor in it.
    """

    original: Run
    healthy: int

    @property
    def caveat(self) -> str:
        """What a reader must know before quoting any metric."""
        classes = self.original.spec.classes
        kinds = ", ".join(name for i, name in enumerate(classes) if i != self.healthy)
        return (
            f"The data is labeled tumor / no tumor only, so {kinds} are merged and their probabilities are summed. "
            "This can "
            "only raise sensitivity compared with the most probable of all classes, which predict reports."
        )

    def table(self) -> Table:
        """The data the run was trained with, labeled tumor / no tumor."""
        own, healthy = self.original.table(), self.original.spec.classes[self.healthy]
        samples = (s if s.label == healthy else replace(s, label=TUMOR) for s in own.samples)
        return replace(own, samples=tuple(samples), classes=self.spec.classes)

    def network(self) -> Network:
        """The trained network, with one logit for all tumor classes."""
        return _MergedTumorClasses(self.original.network(), self.healthy).eval()


def collapse_tumor_classes(run: Run, table: Table | None) -> Run:
    """The run itself, or with its tumor classes merged where the data is labeled tumor / no tumor only.

    Args:
        run: a finished run.
        table: external data; None for its own.
    """
    classes = run.spec.classes
    healthy = [i for i, name in enumerate(classes) if name in HEALTHY]
    if table is None or TUMOR in classes or len(classes) < 3 or len(healthy) != 1:
        return run
    labels, binary = {sample.label for sample in table.samples}, (classes[healthy[0]], TUMOR)
    if TUMOR not in labels or not labels <= set(binary):
        return run
    spec = replace(run.spec, classes=binary)
    return BinaryTaskRun(run.folder, spec, run.record, run, healthy[0], device=run.device)


class _MergedTumorClasses(Network):
    """(N, K) logits -> (N, 2): of the healthy class, and of all others, whose probabilities are summed."""

    def __init__(self, original: Network, healthy: int) -> None:
        super().__init__()
        self.original, self.healthy = original, healthy

    def forward(self, x: Tensor) -> ModelOutput:
        """The output of the network with two logits."""
        output: ModelOutput = self.original(x)
        without = output.logits[:, self.healthy]
        others = [i for i in range(output.logits.shape[1]) if i != self.healthy]
        return output._replace(logits=torch.stack([without, output.logits[:, others].logsumexp(1)], dim=1))
