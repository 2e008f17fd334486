"""image records -> shortcuts: can a classifier without anatomy predict the class?

A small forest that sees no anatomy measures a shortcut, trained and tested on different groups. A network can
exploit what the forest predicts beyond the majority class, and that does not generalize to another hospital.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Flags, Floats, Ints
from tumorlens._extras import require
from tumorlens.auditing.duplicates.image_records import ImageRecord, whole_frames
from tumorlens.auditing.issues import Shortcut
from tumorlens.auditing.shortcuts.background_features import N_CELLS, background_features
from tumorlens.datasets import Table
from tumorlens.report.text import percentage
from tumorlens.stats import BootstrapDraws, ClusterBootstrap

_FOLDS = 5
_MAX_IMAGES = 4_000  # more make the interval narrower than needed
_TREES = 60
_LEAF = 2  # images of a leaf at least
_CLEAR = 2  # times the lower half of the interval: the bootstrap does not cover the randomness of training
_WHY = "measure shortcuts"

Names = npt.NDArray[np.str_]


def find_shortcuts(
    table: Table, records: Sequence[ImageRecord], groups: Sequence[str], *, seed: int = 0
) -> tuple[Shortcut, ...]:
    """Measure how well features without anatomy predict the class, cross-validated by group.

    Blank and unreadable images are left out, and so are classes with one group only. Of more than 4,000 images,
    whole groups are sampled up to that number.

    The intervals cover the sampling of groups, not the randomness of training, so an interval just above the majority
    baseline proves nothing. Two classes are reported as separated only if the accuracy exceeds that baseline by twice
    the lower half of the interval: with random labels that happened once in 260 sets of 120 to 600 images, while 2 to
    10 % of them exceed it by once that half, for each classifier.

    The last classifier has the head occluded: all connected foreground that differs from the background at the
    frame, with its holes filled and a margin. An occluded shape would still separate a large head from a small one and
    a profile from a face (on Nickparvar's set the shape alone predicts 72 %). So neither shape nor place is given, but
    the gray values of 128 random cells outside of the head, as mean, deviation and quantiles; always 128, since the
    largest of many values depends on their number. With every background replaced by the same noise this guesses, as it
    should: balanced accuracy 25 to 26 % for four classes, where the real backgrounds give 68 %. Images with fewer cells
    outside of the head are left out. The classifier detects a background, a marking or noise specific to a class. It
    does not detect a marking that differs by its place alone; it does see body parts that are not connected to the
    head, and noise scaled by the head's brightest pixel.

    Args:
        table: the labels.
        records: one for each sample, in the table's order.
        groups: of each sample, by patient and duplicates.
        seed: of the folds, the forests and the bootstrap.

    Returns:
        One for each classifier; none where fewer than two classes have two groups each.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    positions = [i for i, record in enumerate(records) if record.thumbnails is not None]
    folds = _GroupedFolds.of(table, positions, groups, seed)
    if folds is None:
        return ()
    chosen = [records[i] for i in folds.positions]
    size, file = _size_features(chosen), _file_features(chosen)
    border = np.array([record.border for record in chosen])
    shortcuts = [
        folds.measure("width and height", "width and height in pixels", size),
        folds.measure("file", "width, height, file size, bytes per pixel, pixel mode and format; no pixel", file),
        folds.measure("border", "mean and deviation of the outermost pixels", border),
        folds.measure("metadata and border", "all of these together", np.hstack([file, border])),
    ]
    background = background_features(whole_frames(records, folds.positions), seed)
    enough = np.isfinite(background[:, 0])
    occluded = folds.only(enough)
    if occluded is not None:
        features = (
            f"gray values of {N_CELLS} random cells outside of the head, without their places; "
            f"{enough.sum():,} of {len(chosen):,} images have that many"
        )
        rows = np.isin(folds.positions, occluded.positions)
        shortcuts.append(occluded.measure("head occluded", features, background[rows]))
    return tuple(shortcuts)


@dataclass(frozen=True, eq=False)
class _GroupedFolds:
    """Images on which classifiers are compared: the same folds and bootstrap draws for each.

    Attributes:
        positions: (N,) in the table.
        labels: (N,) class names.
        groups: (N,) group names.
        fold: (N,) the fold in which an image is tested.
        bootstrap: draws of whole groups.
        seed: of the forests.
    """

    positions: Ints
    labels: Names
    groups: Names
    fold: Ints
    bootstrap: BootstrapDraws
    seed: int

    @classmethod
    def of(cls, table: Table, positions: Sequence[int], groups: Sequence[str], seed: int) -> _GroupedFolds | None:
        """Those positions whose class has two groups or more; None where fewer than two classes have."""
        rows = np.array(positions, dtype=np.int64)
        labels = np.array([table.samples[i].label for i in positions])
        owners = np.array([groups[i] for i in positions])
        if len(rows) > _MAX_IMAGES:
            sampled = _sampled_groups(owners, seed)
            rows, labels, owners = rows[sampled], labels[sampled], owners[sampled]
        kept = _of_several_groups(labels, owners)
        rows, labels, owners = rows[kept], labels[kept], owners[kept]
        classes = np.unique(labels)
        if len(classes) < 2:
            return None
        n_folds = min(_FOLDS, *(len(np.unique(owners[labels == name])) for name in classes))
        splitter = require("sklearn.model_selection", "audit", _WHY).StratifiedGroupKFold
        fold = np.zeros(len(rows), dtype=np.int64)
        splits = splitter(n_folds, shuffle=True, random_state=seed).split(labels, labels, owners)
        for number, (_, test) in enumerate(splits):
            fold[test] = number
        return cls(rows, labels, owners, fold, _bootstrap(owners, seed), seed)

    def only(self, chosen: Flags) -> _GroupedFolds | None:
        """The same with fewer images; None where fewer than two classes are left."""
        if chosen.all():
            return self
        kept = np.flatnonzero(chosen)
        kept = kept[_of_several_groups(self.labels[kept], self.groups[kept])]
        if len(np.unique(self.labels[kept])) < 2:
            return None
        bootstrap = _bootstrap(self.groups[kept], self.seed)
        return _GroupedFolds(
            self.positions[kept], self.labels[kept], self.groups[kept], self.fold[kept], bootstrap, self.seed
        )

    def measure(self, name: str, features: str, values: Floats) -> Shortcut:
        """The cross-validated accuracy of a forest on (N, F) features."""
        forest = require("sklearn.ensemble", "audit", _WHY).ExtraTreesClassifier
        classes, labels = np.unique(self.labels, return_inverse=True)
        probabilities = np.zeros((len(labels), len(classes)))
        for fold in np.unique(self.fold):
            test = self.fold == fold
            fitted = forest(_TREES, min_samples_leaf=_LEAF, n_jobs=-1, random_state=self.seed)
            fitted.fit(values[~test], labels[~test])
            probabilities[np.ix_(test, fitted.classes_)] = fitted.predict_proba(values[test])
        one_hot = np.eye(len(classes))[labels]
        correct = (probabilities.argmax(axis=1) == labels)[:, None]
        hits, images = self.bootstrap.sums(one_hot * correct), self.bootstrap.sums(one_hot)
        everything = np.ones(len(labels), dtype=bool)
        accuracy = self.bootstrap.proportion(hits.sum(axis=1) / images.sum(axis=1), everything)
        with np.errstate(invalid="ignore"):  # a draw without some class has no balanced accuracy
            balanced = self.bootstrap.proportion((hits / images).mean(axis=1), everything)
        majority = float(one_hot.mean(axis=0).max())
        lower_half = accuracy.value - (accuracy.low or 0.0)
        clear = accuracy.value - majority > _CLEAR * lower_half
        separated = _best_separated(probabilities, labels, classes) if clear else ""
        return Shortcut(name, features, accuracy, majority, balanced, separated)


def _bootstrap(groups: Names, seed: int) -> BootstrapDraws:
    return BootstrapDraws.draw(ClusterBootstrap(groups.tolist(), "group", seed=seed))


def _best_separated(probabilities: Floats, labels: Ints, classes: Names) -> str:
    """The two classes that are separated best, with the balanced accuracy between those two alone."""
    accuracies = {}
    for a, b in combinations(range(len(classes)), 2):
        sign = np.sign(probabilities[:, a] - probabilities[:, b])
        accuracies[a, b] = 0.5 + float(sign[labels == a].mean() - sign[labels == b].mean()) / 4
    a, b = max(accuracies, key=lambda pair: accuracies[pair])
    return f"{classes[a]} and {classes[b]} ({percentage(accuracies[a, b])})"


def _sampled_groups(groups: Names, seed: int) -> Ints:
    """Rows of whole groups, sampled as long as they fit into `_MAX_IMAGES`."""
    names, index, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    taken = np.zeros(len(names), dtype=bool)
    taken[order[np.cumsum(sizes[order]) <= _MAX_IMAGES]] = True
    return np.flatnonzero(taken[index])


def _of_several_groups(labels: Names, groups: Names) -> Flags:
    """Which images belong to a class with two groups or more."""
    enough = [name for name in np.unique(labels) if len(np.unique(groups[labels == name])) > 1]
    return np.isin(labels, enough)


def _size_features(records: Sequence[ImageRecord]) -> Floats:
    return np.array([record.size for record in records], dtype=np.float64)


def _file_features(records: Sequence[ImageRecord]) -> Floats:
    size = _size_features(records)
    weight = np.array([record.file_size for record in records], dtype=np.float64)
    kinds = [np.array([record.mode for record in records]), np.array([record.format for record in records])]
    flags = [(kind[:, None] == np.unique(kind)).astype(np.float64) for kind in kinds]
    return np.column_stack([size, weight, weight / size.prod(axis=1), *flags])
