"""A run that names kinds of tumor + data that says only whether there is one -> the same run, asked just that.

Many sets from elsewhere say yes or no. All kinds of tumor that a run knows then count as one class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tumorlens.datasets import Table
from tumorlens.datasets.classes import HEALTHY
from tumorlens.models import ModelOutput, Network
from tumorlens.training import Run

TUMOR = "tumor"
"""What a set calls any tumor."""


@dataclass(frozen=True)
class BinaryTaskRun(Run):
    """A run whose kinds of tumor count as one.

    Its temperature, and its limits for abstaining, are those of the question it is asked: they are fitted anew on the
    validation part. Its network ends with no single linear layer, and so gives no heat maps.

    Attributes:
        named: the run as it was trained.
        healthy: index of the class without a tumor in it.
    """

    named: Run
    healthy: int

    @property
    def caveat(self) -> str:
        """What must be said of every figure."""
        classes = self.named.spec.classes
        kinds = ", ".join(name for i, name in enumerate(classes) if i != self.healthy)
        return (
            f"This data says only whether there is a tumor, so {kinds} count as one here, with what speaks for each "
            "added up. The most probable of all classes, which predict names, is never more often a tumor, and may be "
            "less often."
        )

    def table(self) -> Table:
        """The data the run was made with, labeled by whether there is a tumor."""
        own, healthy = self.named.table(), self.named.spec.classes[self.healthy]
        samples = (s if s.label == healthy else replace(s, label=TUMOR) for s in own.samples)
        return replace(own, samples=tuple(samples), classes=self.spec.classes)

    def network(self) -> Network:
        """The trained network, with one logit for all tumors."""
        return _Pooled(self.named.network(), self.healthy).eval()


def collapse_tumor_classes(run: Run, table: Table | None) -> Run:
    """The run itself, or as one of yes and no where that is all that the data says and the run says more.

    Args:
        run: a finished run.
        table: other data than its own; None for its own.
    """
    classes = run.spec.classes
    healthy = [i for i, name in enumerate(classes) if name in HEALTHY]
    if table is None or TUMOR in classes or len(classes) < 3 or len(healthy) != 1:
        return run
    labels, asked = {sample.label for sample in table.samples}, (classes[healthy[0]], TUMOR)
    if TUMOR not in labels or not labels <= set(asked):
        return run
    return BinaryTaskRun(run.folder, replace(run.spec, classes=asked), run.record, run, healthy[0])


class _Pooled(Network):
    """(N, K) logits -> (N, 2): of the healthy class, and of any other, whose probabilities are added."""

    def __init__(self, named: Network, healthy: int) -> None:
        super().__init__()
        self.named, self.healthy = named, healthy

    def forward(self, x: Tensor) -> ModelOutput:
        """What the network says, with two logits."""
        output: ModelOutput = self.named(x)
        without = output.logits[:, self.healthy]
        others = [i for i in range(output.logits.shape[1]) if i != self.healthy]
        return output._replace(logits=torch.stack([without, output.logits[:, others].logsumexp(1)], dim=1))
