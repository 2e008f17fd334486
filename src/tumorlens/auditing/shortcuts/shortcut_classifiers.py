"""looks -> Shortcuts: can the class be told without looking at the brain?

A shortcut is measured by a small forest that sees no anatomy, trained and tested on different groups. What it
gets right beyond the majority rate, a network can get right in the same way, and no hospital will profit from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Flags, Floats, Ints
from tumorlens._extras import require
from tumorlens.auditing.duplicates.image_records import ImageRecord, frames
from tumorlens.auditing.issues import Shortcut
from tumorlens.auditing.shortcuts.outside_head import DRAWN, outside_of_heads
from tumorlens.datasets import Table
from tumorlens.stats import BootstrapDraws, ClusterBootstrap

_FOLDS = 5
_MOST = 4_000  # images looked at: more make the interval narrower than anybody needs
_TREES = 60
_LEAF = 2  # images of a leaf at least
_CLEAR = 2  # times the way down to the interval's lower end: the bootstrap does not know the chance in training
_WHY = "measure shortcuts"

Names = npt.NDArray[np.str_]


def find_shortcuts(
    table: Table, image_records: Sequence[ImageRecord], groups: Sequence[str], *, seed: int = 0
) -> tuple[Shortcut, ...]:
    """How well the class is told by what is no anatomy, each time out of fold, no group being torn apart.

    Blank and unreadable images are left out, and so are classes that only one group shows. Of more than
    4,000 images, whole groups are drawn until there are so many.

    The intervals know which groups were drawn, not the chance in training, so an interval just above the majority
    rate proves nothing. Two classes are named only where the lead over that rate is twice the way from the accuracy
    to its lower end: with labels that mean nothing that happened once in 260 sets of 120 to 600 images, where a
    lead of once that way is reached by 2 to 10 % of them for each measure.

    The last measure blanks the head out: all that differs from the background at the frame and hangs together, with
    its holes filled and a margin. A blanked shape would still tell a large head from a small one and a profile from
    a face (on Nickparvar's set the shape alone is right for 72 %). So neither shape nor place is shown, but the
    gray values of 128 cells drawn at random outside of the head, as mean, deviation and quantiles; always 128, since
    already the largest of many values tells how many there were. With every background replaced by one noise for
    all this guesses, as it should: balanced accuracy 25 to 26 % for four classes, where the real backgrounds give 68 %.
    Images with fewer cells outside of the head are left out of it. It finds a background, a marking or noise that
    belongs to a class. It does not find a marking that differs by its place alone; it does see what of the body lies
    apart from the head, and noise that was scaled by the head's brightest pixel.

    Args:
        table: whose images.
        image_records: one for each sample, in the table's order.
        groups: for each sample the unit that is not torn apart, its patient or its copies.
        seed: of the folds, the forests and the bootstrap.

    Returns:
        One for each measure; none where fewer than two classes are shown by two groups each.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    trial = _Trial.of(table, [i for i, look in enumerate(image_records) if look.thumbnails is not None], groups, seed)
    if trial is None:
        return ()
    judged = [image_records[i] for i in trial.positions]
    size, file, border = _size(judged), _file(judged), np.array([look.border for look in judged])
    found = [
        trial.measure("width and height", "width and height in pixels", size),
        trial.measure("file", "width, height, file size, bytes per pixel, storage mode and format; no pixel", file),
        trial.measure("border", "mean and deviation of the outermost pixels", border),
        trial.measure("metadata and border", "all of these together", np.hstack([file, border])),
    ]
    outside = outside_of_heads(frames(image_records, trial.positions), seed)
    left = np.isfinite(outside[:, 0])
    blanked = trial.only(left)
    if blanked is not None:
        words = (
            f"gray values of {DRAWN} cells drawn outside of the head, without their places; "
            f"{left.sum():,} of {len(judged):,} images show that much outside"
        )
        found.append(blanked.measure("head blanked out", words, outside[np.isin(trial.positions, blanked.positions)]))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Trial:
    """Images on which measures are compared: the same folds and resamples for each.

    Attributes:
        positions: (N,) in the table.
        names: (N,) their classes.
        groups: (N,) their groups.
        fold: (N,) the fold that tests them.
        drawn: resamples of whole groups.
        seed: of the forests.
    """

    positions: Ints
    names: Names
    groups: Names
    fold: Ints
    drawn: BootstrapDraws
    seed: int

    @classmethod
    def of(cls, table: Table, positions: Sequence[int], groups: Sequence[str], seed: int) -> _Trial | None:
        """Those of the positions whose class is shown by two groups or more; None where no two classes are."""
        rows = np.array(positions, dtype=np.int64)
        names = np.array([table.samples[i].label for i in positions])
        owners = np.array([groups[i] for i in positions])
        if len(rows) > _MOST:
            some = _some(owners, seed)
            rows, names, owners = rows[some], names[some], owners[some]
        kept = _shown(names, owners)
        rows, names, owners = rows[kept], names[kept], owners[kept]
        classes = np.unique(names)
        if len(classes) < 2:
            return None
        folds = min(_FOLDS, *(len(np.unique(owners[names == name])) for name in classes))
        cut = require("sklearn.model_selection", "train", _WHY).StratifiedGroupKFold
        fold = np.zeros(len(rows), dtype=np.int64)
        for number, (_, test) in enumerate(cut(folds, shuffle=True, random_state=seed).split(names, names, owners)):
            fold[test] = number
        return cls(
            rows, names, owners, fold, BootstrapDraws.draw(ClusterBootstrap(owners.tolist(), "group", seed=seed)), seed
        )

    def only(self, some: Flags) -> _Trial | None:
        """The same with fewer images, as far as they still show two classes."""
        if some.all():
            return self
        kept = np.flatnonzero(some)
        kept = kept[_shown(self.names[kept], self.groups[kept])]
        if len(np.unique(self.names[kept])) < 2:
            return None
        drawn = BootstrapDraws.draw(ClusterBootstrap(self.groups[kept].tolist(), "group", seed=self.seed))
        return _Trial(self.positions[kept], self.names[kept], self.groups[kept], self.fold[kept], drawn, self.seed)

    def measure(self, name: str, features: str, seen: Floats) -> Shortcut:
        """What a forest makes of (N, F) features, out of fold."""
        forest = require("sklearn.ensemble", "train", _WHY).ExtraTreesClassifier
        classes, labels = np.unique(self.names, return_inverse=True)
        belief = np.zeros((len(labels), len(classes)))
        for fold in np.unique(self.fold):
            test = self.fold == fold
            grown = forest(_TREES, min_samples_leaf=_LEAF, n_jobs=-1, random_state=self.seed)
            grown.fit(seen[~test], labels[~test])
            belief[np.ix_(test, grown.classes_)] = grown.predict_proba(seen[test])
        of_class = np.eye(len(classes))[labels]
        right = (belief.argmax(axis=1) == labels)[:, None]
        hits, shown = self.drawn.sums(of_class * right), self.drawn.sums(of_class)
        everything = np.ones(len(labels), dtype=bool)
        accuracy = self.drawn.proportion(hits.sum(axis=1) / shown.sum(axis=1), everything)
        with np.errstate(invalid="ignore"):  # a resample without some class has no balanced accuracy
            balanced = self.drawn.proportion((hits / shown).mean(axis=1), everything)
        majority = float(of_class.mean(axis=0).max())
        lead, reach = accuracy.value - majority, accuracy.value - (accuracy.low or 0.0)
        clear = lead > _CLEAR * reach
        return Shortcut(name, features, accuracy, majority, balanced, _apart(belief, labels, classes) if clear else "")


def _apart(belief: Floats, labels: Ints, classes: Names) -> str:
    """The two classes that are told apart best, with the balanced accuracy between those two alone."""
    shares = {}
    for a, b in combinations(range(len(classes)), 2):
        lead = np.sign(belief[:, a] - belief[:, b])
        shares[a, b] = 0.5 + float(lead[labels == a].mean() - lead[labels == b].mean()) / 4
    a, b = max(shares, key=lambda pair: shares[pair])
    return f"{classes[a]} and {classes[b]} ({shares[a, b]:.1%})"


def _some(groups: Names, seed: int) -> Ints:
    """Rows of whole groups, drawn as long as they fit into `_MOST`."""
    names, index, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    taken = np.zeros(len(names), dtype=bool)
    taken[order[np.cumsum(sizes[order]) <= _MOST]] = True
    return np.flatnonzero(taken[index])


def _shown(names: Names, groups: Names) -> Flags:
    """Which images are of a class that two groups or more show."""
    enough = [name for name in np.unique(names) if len(np.unique(groups[names == name])) > 1]
    return np.isin(names, enough)


def _size(image_records: Sequence[ImageRecord]) -> Floats:
    return np.array([look.size for look in image_records], dtype=np.float64)


def _file(image_records: Sequence[ImageRecord]) -> Floats:
    size = _size(image_records)
    weight = np.array([look.bytes for look in image_records], dtype=np.float64)
    kinds = [np.array([look.mode for look in image_records]), np.array([look.format for look in image_records])]
    flags = [(kind[:, None] == np.unique(kind)).astype(np.float64) for kind in kinds]
    return np.column_stack([size, weight, weight / size.prod(axis=1), *flags])
