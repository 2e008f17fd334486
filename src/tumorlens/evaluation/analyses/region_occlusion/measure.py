"""Run + table -> what the network still names without all but the head, without the head, and without the tumor.

A network that names classes in images without a head has learned a shortcut, however high its accuracy is. The idea is
that of Maguolo and Nanni (Information Fusion 76, 2021, 1), whose networks told diseases of the lung apart in X-ray
images with the lungs blacked out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tumorlens._arrays import Floats, Ints
from tumorlens.datasets import Sample, read_sample_mask
from tumorlens.evaluation.analyses.region_occlusion.occlude import head_occluded, outside_occluded, tumor_occluded
from tumorlens.evaluation.analyses.region_occlusion.result import OcclusionTest, RegionOcclusion
from tumorlens.evaluation.inference import Change, infer
from tumorlens.metrics.calibration import softmax
from tumorlens.metrics.classification import measure
from tumorlens.models import Pipeline
from tumorlens.scan import GrayImage
from tumorlens.scan.foreground import head_mask
from tumorlens.stats import ClusterBootstrap, paired_difference

Progress = Callable[[int, int], None]


def outlined(samples: Sequence[Sample]) -> list[int]:
    """Positions of the samples whose own mask shows a tumor.

    Raises:
        ScanError, DataError: a mask cannot be read, or does not fit its image.
    """
    return [i for i, sample in enumerate(samples) if (mask := read_sample_mask(sample)) is not None and mask.any()]


def measure_region_occlusion(
    pipeline: Pipeline,
    samples: Sequence[Sample],
    with_tumor: Sequence[int],
    logits: Floats,
    labels: Ints,
    bootstrap: ClusterBootstrap,
    classes: Sequence[str],
    *,
    progress: Progress | None = None,
) -> RegionOcclusion | None:
    """Ask the network again, three times, each time with something else blanked.

    Args:
        pipeline: of a run.
        samples: N of them.
        with_tumor: positions of those in which a tumor can be blanked, as `outlined` finds them.
        logits: (N, K), what the network said of the images as they are.
        labels: (N,) index of the true class.
        bootstrap: the patients of all N.
        classes: the K class names.
        progress: called with (done, total), where the total is twice N and the images with a tumor.

    Returns:
        None where no tumor can be blanked; nothing is asked then.

    Raises:
        ScanError, DataError: an image or a mask cannot be read.
        MissingExtraError: scipy is not installed.
    """
    if not with_tumor:
        return None
    filled: set[int] = set()

    def headless(position: int, gray: GrayImage) -> GrayImage:
        head = head_mask(gray)
        if head.all():
            filled.add(position)
        return head_occluded(gray, head)

    def tumorless(position: int, gray: GrayImage) -> GrayImage:
        mask = read_sample_mask(samples[with_tumor[position]])
        assert mask is not None  # it was read before
        return tumor_occluded(gray, mask)

    changes: dict[str, Change] = {
        "outside_blanked": lambda _, gray: outside_occluded(gray, head_mask(gray)),
        "head_blanked": headless,
        "tumor_blanked": tumorless,
    }
    tests = []
    steps = staged(progress, len(samples), len(samples), len(with_tumor))
    for (name, change), step in zip(changes.items(), steps, strict=True):
        chosen = np.array(with_tumor if name == "tumor_blanked" else range(len(samples)))
        blanked = infer(pipeline, [samples[i] for i in chosen], progress=step, change=change).logits
        tests.append(_compared(name, chosen, blanked, logits, labels, bootstrap, classes))
    return RegionOcclusion(tuple(tests), len(filled))


def pool_region_occlusion(
    parts: Sequence[RegionOcclusion],
    sizes: Sequence[int],
    logits: Floats,
    labels: Ints,
    bootstrap: ClusterBootstrap,
    classes: Sequence[str],
) -> RegionOcclusion:
    """The tests of several networks on images of their own, as one.

    Args:
        parts: one for each network.
        sizes: how many images each of them was measured on.
        logits: (N, K) of all those images as they are, one part after the other.
        labels: (N,) index of the true class.
        bootstrap: the patients of all N.
        classes: the K class names.
    """
    starts = np.cumsum([0, *sizes])
    tests = []
    for same in zip(*(part.tests for part in parts), strict=True):
        chosen = np.concatenate([test.chosen + start for test, start in zip(same, starts, strict=False)])
        blanked = np.concatenate([test.logits for test in same])
        tests.append(_compared(same[0].name, chosen, blanked, logits, labels, bootstrap, classes))
    return RegionOcclusion(tuple(tests), sum(part.filled for part in parts))


def _compared(
    name: str,
    chosen: Ints,
    blanked: Floats,
    logits: Floats,
    labels: Ints,
    bootstrap: ClusterBootstrap,
    classes: Sequence[str],
) -> OcclusionTest:
    """One test, beside what was said of the same images as they are."""
    theirs, plain = bootstrap.only(chosen), logits[chosen]
    before, after = (answers.argmax(axis=1) == labels[chosen] for answers in (plain, blanked))
    figures = [measure(softmax(answers), labels[chosen], theirs, classes) for answers in (plain, blanked)]
    return OcclusionTest(name, chosen, blanked, figures[0], figures[1], paired_difference(before, after, theirs))


def staged(progress: Progress | None, *sizes: int) -> list[Progress | None]:
    """The progress of each of several parts of the work, told as progress of all of it."""

    def after(before: int) -> Progress | None:
        return (lambda done, _: progress(before + done, sum(sizes))) if progress else None

    return [after(sum(sizes[:number])) for number in range(len(sizes))]
