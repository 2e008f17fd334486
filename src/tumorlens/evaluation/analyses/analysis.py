"""What an analysis of a run is: its name and title, what it measures from, and what it gives back.

An analysis is a folder beside this file with three modules:

- ``measure.py``: ``measure(context) -> result or None``, and ``pool(results, context)`` if folds can be put together;
- ``result.py``: a frozen dataclass that follows `AnalysisResult`;
- ``section.py``: ``section(result, samples) -> Section`` for the page and the terminal.

Its ``__init__.py`` holds one constant, ``ANALYSIS``. Nothing else has to be changed: `registry` finds the folder, and
the evaluation, its page and JSON, the command line, the model card and the cross-validation go over the registry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:  # the command line reads the registry before it needs any of these
    from tumorlens._arrays import Floats, Ints
    from tumorlens._progress import Progress
    from tumorlens.datasets import Sample, Table
    from tumorlens.evaluation.evaluation_facts import Given
    from tumorlens.evaluation.inference_result import Inference, InferenceResult
    from tumorlens.evaluation.packed_mask import PackedMask
    from tumorlens.evaluation.stored_thresholds import StoredThresholds
    from tumorlens.evaluation.volume_predictions import VolumePredictions
    from tumorlens.metrics.overlap import SegmentationCase
    from tumorlens.models import Pipeline
    from tumorlens.report import Section
    from tumorlens.stats import ClusterBootstrap
    from tumorlens.training import Run


Need = Literal["predictions", "training data", "network", "thresholds", "run"]
"""Predictions alone, a table of training images, a network to run again, thresholds from validation images, or a run.

Runs and model files of tumorlens have such thresholds."""


class AnalysisResult(Protocol):
    """What an analysis gives back."""

    @property
    def caveats(self) -> tuple[str, ...]:
        """What a reader must know before quoting a metric of the run, one sentence each."""

    @property
    def conclusions(self) -> tuple[str, ...]:
        """What was found, one sentence each; they stand on the terminal, on the page and on the model card."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""


@dataclass(frozen=True, eq=False)
class Context:
    """What an analysis may measure from.

    Attributes:
        run: a finished run; None for predictions of another tool.
        pipeline: its network with preprocessing, in evaluation mode; None likewise.
        infer: runs the network again, also on changed images.
        segments: whether the network predicts masks.
        table: the data that the network was trained with.
        subset: the N samples that are measured.
        subset_name: ``"test"``, ``"val"`` or ``"train"`` of the run's own data; ``"all"`` of other data.
        labels: (N,) index of the true class.
        classes: the K class names.
        bootstrap: the sampling units of the N samples.
        inference: the network's output for the N samples.
        probabilities: (N, K) after temperature scaling.
        validation: the run's validation samples; empty where it has none.
        validation_inference: the network's output for them.
        cases: the predicted masks against the reference masks; empty where the network does not segment.
        limit: the largest number of images to measure; 0 for all of them.
        batch_size: the largest number of images that the network gets at one time.
        progress: called while the analysis works.
        given: whether probabilities or classes are known.
        masks: (N,) the predicted mask of each sample; empty where none are predicted.
        volumes: predictions of whole volumes; None where slices were predicted alone.
        stored: thresholds of a model file; None for a run, which fits its own.
    """

    run: Run | None
    pipeline: Pipeline | None
    infer: Inference
    segments: bool
    table: Table
    subset: Table
    subset_name: str
    labels: Ints
    classes: tuple[str, ...]
    bootstrap: ClusterBootstrap
    inference: InferenceResult
    probabilities: Floats
    validation: tuple[Sample, ...]
    validation_inference: InferenceResult
    cases: tuple[SegmentationCase, ...]
    limit: int
    batch_size: int
    progress: Progress
    given: Given = "probabilities"
    masks: tuple[PackedMask, ...] = ()
    volumes: VolumePredictions | None = None
    stored: StoredThresholds | None = None

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The N samples that are measured."""
        return self.subset.samples


@dataclass(frozen=True, eq=False)
class PooledContext:
    """What the folds of a cross-validation may be pooled from; images stand fold after fold.

    Attributes:
        samples: all N test samples.
        sizes: how many of them each fold has.
        logits: (N, K), of each image by the network that had not seen it.
        labels: (N,) index of the true class.
        classes: the K class names.
        bootstrap: the sampling units of the N samples.
    """

    samples: tuple[Sample, ...]
    sizes: tuple[int, ...]
    logits: Floats
    labels: Ints
    classes: tuple[str, ...]
    bootstrap: ClusterBootstrap


@dataclass(frozen=True)
class Analysis:
    """One analysis, as the registry holds it. Its modules are imported when they are needed.

    Attributes:
        package: the dotted name of its folder.
        title: its heading on the page.
        help: one sentence for the command line.
        order: its place among the others, on the page and in JSON.
        enabled: whether it is made unless told otherwise.
        limit: the largest number of images it measures unless told otherwise; None where it always takes all.
        needs: the least that it is measured from, and so whether predictions of another tool can have it.
    """

    package: str
    title: str
    help: str
    order: int
    enabled: bool = True
    limit: int | None = None
    needs: Need = "run"

    @property
    def name(self) -> str:
        """The key in JSON and on the card, and the option on the command line: the name of the folder."""
        return self.package.rpartition(".")[2]

    def measure(self, context: Context) -> AnalysisResult | None:
        """Measure; None where there is nothing to measure, for example no mask."""
        result: AnalysisResult | None = self._module("measure").measure(context)
        return result

    def pool(self, results: Sequence[AnalysisResult | None], context: PooledContext) -> AnalysisResult | None:
        """The results of all folds as one; None where they cannot be pooled.

        Args:
            results: of each fold; None where a fold has none.
            context: all images of all folds.
        """
        pool = getattr(self._module("measure"), "pool", None)
        result: AnalysisResult | None = pool(results, context) if pool else None
        return result

    def section(self, result: AnalysisResult, samples: Sequence[Sample]) -> Section:
        """The section of the page.

        Args:
            result: of this analysis.
            samples: the samples that were measured, to show some of them.
        """
        section: Section = self._module("section").section(result, samples)
        return section

    def _module(self, name: str) -> ModuleType:
        return import_module(f"{self.package}.{name}")
