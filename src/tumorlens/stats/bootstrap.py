"""Numbers -> intervals: cluster bootstrap, Wilson, paired comparison.

Slices of one patient are correlated, so a test set of 700 slices of 40 patients holds far less evidence than 700
independent images. The bootstrap therefore resamples *sampling units* (clusters): the patient with all its images, or
the single image where no patient is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Flags, Floats, Ints
from tumorlens.errors import DataError

CONFIDENCE_LEVEL = 0.95
_BLOCK_ENTRIES = 2_000_000  # entries of a (resamples, images) block in memory: 16 MB of float64


@dataclass(frozen=True)
class Estimate:
    """A value of a metric with its 95 % confidence interval and sample sizes.

    Attributes:
        value: the value; NaN where the sample leaves it undefined.
        low: lower end of the interval; None where there is none.
        high: upper end of the interval; None where there is none.
        n: number of images.
        units: number of sampling units of those images.
        unit: the kind of sampling unit: ``"patient"``, ``"image"`` or ``"patient or image"``.
        method: of the interval: ``"bootstrap"``, ``"wilson"`` or ``"none"``.

    Example:
        >>> import tumorlens
        >>> accuracy = tumorlens.Estimate(0.943, 0.921, 0.959, n=669, units=43, unit="patient", method="bootstrap")
        >>> accuracy
        Estimate(0.943 (0.921 to 0.959), 669 images, 43 patients)
        >>> accuracy.percent()
        '94.3 % (92.1 to 95.9)'
    """

    value: float
    low: float | None
    high: float | None
    n: int
    units: int
    unit: str
    method: str

    def __str__(self) -> str:
        return self._text(1.0, "{:.3f}", "")

    def __repr__(self) -> str:
        return f"Estimate({self}, {self.evidence})"

    def _repr_markdown_(self) -> str:
        return f"**{self}** ({'95 % CI, ' * (self.low is not None)}{self.evidence})"

    @property
    def evidence(self) -> str:
        """The sample size in words, as ``"669 images, 43 patients"``.

        If the bootstrap resampled images because no patient is known, the text says so.
        """
        images = f"{self.n:,} image{'s' * (self.n != 1)}"
        units = {
            "image": "patients unknown",
            "patient": f"{self.units:,} patient{'s' * (self.units != 1)}",
        }
        return f"{images}, {units.get(self.unit, f'{self.units:,} patients or single images')}"

    def percent(self) -> str:
        """The estimate in percent: ``"97.2 % (94.9 to 98.6)"``."""
        return self._text(100.0, "{:.1f}", " %")

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, for JSON: an undefined value is None, not NaN."""
        return asdict(self) | {"value": None if math.isnan(self.value) else self.value}

    def _text(self, scale: float, form: str, sign: str) -> str:
        if math.isnan(self.value):
            return "undefined"
        value = form.format(scale * self.value) + sign
        if self.low is None or self.high is None:
            return f"{value} (no interval)"
        return f"{value} ({form.format(scale * self.low)} to {form.format(scale * self.high)})"


@dataclass(frozen=True)
class ClusterBootstrap:
    """The sampling units of the measured images, and the settings of the bootstrap.

    Attributes:
        units: the sampling unit of every image: its patient, or the image itself where none is known.
        unit: the kind of sampling unit: ``"patient"``, ``"image"`` or ``"patient or image"``.
        n_resamples: with 2000, the ends of a 95 % interval are the 50th values from either side.
        seed: the same seed and units give the same resamples.
    """

    units: Sequence[str]
    unit: str
    n_resamples: int = 2000
    seed: int = 0

    def __len__(self) -> int:
        """Number of images."""
        return len(self.units)

    def only(self, positions: Iterable[int]) -> ClusterBootstrap:
        """The images at these positions alone."""
        return replace(self, units=[self.units[i] for i in positions])


@dataclass(frozen=True, eq=False)
class BootstrapDraws:
    """The sample and its bootstrap resamples, drawn once and shared by all metrics of one evaluation.

    Row 0 is the sample itself, each unit once; rows 1 to B are resamples of G units with replacement.
    A metric is computed as a column of 1 + B values: the first is its value, the others are its
    bootstrap distribution.

    Attributes:
        counts: (1 + B, G) number of times that each unit occurs.
        index: (N,) the unit of every image, 0 to G - 1.
        unit: the kind of sampling unit, as in `Estimate`.
    """

    counts: npt.NDArray[np.int32]
    index: Ints
    unit: str

    @classmethod
    def draw(cls, bootstrap: ClusterBootstrap) -> BootstrapDraws:
        """Draw whole units with replacement.

        Raises:
            DataError: there are no images.
        """
        if not len(bootstrap):
            raise DataError(found="no images to measure", expected="at least one")
        names, index = np.unique(np.asarray(bootstrap.units, dtype=str), return_inverse=True)
        random = np.random.default_rng(bootstrap.seed)
        counts = np.ones((1 + bootstrap.n_resamples, len(names)), dtype=np.int32)
        step = max(1, _BLOCK_ENTRIES // len(names))
        for start in range(1, len(counts), step):  # the same numbers as row by row, in a tenth of the time
            rows = counts[start : start + step]
            chosen = random.integers(len(names), size=rows.shape) + len(names) * np.arange(len(rows))[:, None]
            rows[:] = np.bincount(chosen.ravel(), minlength=rows.size).reshape(rows.shape)
        return cls(counts, index.astype(np.int64), bootstrap.unit)

    def sums(self, values: npt.ArrayLike) -> Floats:
        """Sums over all images of every row: (N, ...) values to (1 + B, ...) sums."""
        images = np.asarray(values, dtype=np.float64)
        order = np.argsort(self.index, kind="stable")
        starts = np.searchsorted(self.index[order], np.arange(self.counts.shape[1]))
        by_unit = np.add.reduceat(images[order], starts, axis=0)
        totals = self.counts.astype(np.float64) @ by_unit.reshape(len(by_unit), -1)
        return totals.reshape(len(self.counts), *images.shape[1:])

    def means(self, values: npt.ArrayLike, among: Flags) -> Floats:
        """(1 + B,) means of values over some images: of flags, the share of these images that have them.

        Args:
            values: (N,); those of other images do not count.
            among: (N,) the images. NaN in a resample without any of them.
        """
        total, count = self.sums(np.where(among, values, 0)), self.sums(among)
        means: Floats = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
        return means

    def weights(self, images: Ints) -> Iterator[tuple[slice, Floats]]:
        """Number of times that each of the images occurs, in blocks of rows: (rows, (rows, len(images)) counts)."""
        step = max(1, _BLOCK_ENTRIES // max(1, len(images)))
        for start in range(0, len(self.counts), step):
            rows = slice(start, start + step)
            yield rows, self.counts[rows][:, self.index[images]].astype(np.float64)

    def estimate(self, column: Floats, among: Flags | None = None) -> Estimate:
        """The estimate of a metric with its percentile interval.

        Resamples in which the metric is undefined (NaN) are left out. Where all others are equal, the
        bootstrap gives no information about the uncertainty, and there is no interval.

        Args:
            column: (1 + B,) the metric in the sample and in every resample.
            among: (N,) the images that it is computed from; all by default.
        """
        value = float(column[0])
        low, high = _percentiles(column[1:]) if math.isfinite(value) else (None, None)
        n, units = self._evidence(among)
        return Estimate(value, low, high, n, units, self.unit, "none" if low is None else "bootstrap")

    def proportion(self, column: Floats, among: Flags) -> Estimate:
        """The estimate of a share of the images `among`, with its interval.

        Like `estimate`, except where the share is exactly 0 or 1. There all resamples are equal, and an
        interval of zero width would be wrong; Wilson's interval with one trial per sampling unit is
        used instead.
        """
        if column[0] not in (0.0, 1.0):
            return self.estimate(column, among)
        n, units = self._evidence(among)
        low, high = wilson(units if column[0] else 0, units)
        return Estimate(float(column[0]), low, high, n, units, self.unit, "wilson")

    def share(self, flags: Flags, among: Flags) -> Estimate:
        """The estimate of the share of the images `among` that have a flag: `means`, then `proportion`."""
        return self.proportion(self.means(flags, among), among)

    def _evidence(self, among: Flags | None) -> tuple[int, int]:
        index = self.index if among is None else self.index[among]
        return len(index), len(np.unique(index))


def wilson(successes: int, n: int, level: float = CONFIDENCE_LEVEL) -> tuple[float, float]:
    """Wilson's score interval for a share of independent trials; (0, 1) where there were none.

    Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209.

    Raises:
        DataError: successes are not between 0 and n.
    """
    if not 0 <= successes <= n:
        raise DataError(found=f"{successes} successes of {n} trials", expected="between none and all of them")
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = successes / n
    center = share + z**2 / (2 * n)
    half_width = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    return max(0.0, (center - half_width) / scale), min(1.0, (center + half_width) / scale)


def paired_difference(first: npt.ArrayLike, second: npt.ArrayLike, bootstrap: ClusterBootstrap) -> Estimate:
    """The mean of `second` minus the mean of `first`, on the same images.

    Both are resampled together, by sampling unit, so that the difficulty of an image cancels out.

    Args:
        first: (N,) a score per image, for example 1 where the model was correct.
        second: (N,) the same of the other model, in the same order.
        bootstrap: the N images.

    Raises:
        DataError: the three do not have the same length.
    """
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if not one.shape == two.shape == (len(bootstrap),):
        raise DataError(
            found=f"scores of shape {one.shape} and {two.shape} for {len(bootstrap)} images",
            expected="one score per image, of the same images in the same order",
        )
    replicates = BootstrapDraws.draw(bootstrap)
    return replicates.estimate(replicates.sums(two - one) / replicates.sums(np.ones(len(bootstrap))))


def mcnemar(b: int, c: int) -> float:
    """Exact two-sided p value of McNemar's test, from the images on which two models disagree.

    The test assumes independent images. With several images per patient p is too small; use
    `paired_difference` instead.

    Args:
        b: images that only the first model classified correctly.
        c: images that only the second model classified correctly.
    """
    tail = sum(math.comb(b + c, k) for k in range(min(b, c) + 1))
    return min(1.0, 2 * tail / (1 << (b + c)))


def _percentiles(distribution: Floats) -> tuple[float, float] | tuple[None, None]:
    defined = distribution[np.isfinite(distribution)]
    if not defined.size or np.ptp(defined) < 1e-12:
        return None, None
    low, high = np.quantile(defined, [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2])
    return float(low), float(high)
