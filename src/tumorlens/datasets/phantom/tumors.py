"""The tumors of the phantom: location, appearance and mass effect of each type."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from tumorlens.datasets.phantom.acquisition import Contrast
from tumorlens.datasets.phantom.head_anatomy import VAULT, Head
from tumorlens.datasets.phantom.shapes import (
    Field,
    Points,
    SignalMap,
    Triple,
    Waves,
    column,
    ellipsoid,
    norm2,
    overlap,
    union,
)


@dataclass(frozen=True, eq=False)
class PhantomTumor(ABC):
    """Common base of all tumor types; coordinates are those of the average head.

    Attributes:
        center: (3, 1), mm.
        radius: mean radius, mm.
        surface: irregularity of the outline.
        mass: radius of the ball of displaced tissue, as a share of `radius`.
    """

    center: Points
    radius: float
    surface: Waves
    mass: ClassVar[float] = 0.7

    @abstractmethod
    def distance(self, points: Points, cavity: Field) -> Field:
        """Distance to the outline of the tumor in the mask, positive inside."""

    @abstractmethod
    def paint(self, signal: SignalMap, points: Points, cavity: Field, white: Field, tissue: Contrast) -> Field:
        """Paint the tumor and return its `distance`.

        `cavity` is the distance to the dura, `white` the share of white matter at each point.
        """

    def nearby(self, points: Points) -> npt.NDArray[np.intp]:
        """Indices of the points that the tumor, its edema or its mass effect may change."""
        offset = points - self.center
        return np.flatnonzero(norm2(offset) < (2 * self.radius + 16) ** 2)

    def displaced(self, points: Points, cavity: Field) -> Points:
        """Position, before the tumor grew, of the tissue that is now at `points`.

        Tissue is not compressed: each shell keeps its volume. The skull does not move.
        """
        offset = points - self.center
        far = np.sqrt(norm2(offset)) + np.float32(1e-3)
        before = np.cbrt(np.maximum(far**3 - (self.mass * self.radius) ** 3, 0))
        give = np.clip(cavity / 18, 0, 1)
        return np.asarray(self.center + offset * (1 + give * (before / far - 1)))

    def _ball(self, points: Points, roughness: float) -> Field:
        """Distance to a ball whose radius varies by `roughness`, as a share of it."""
        offset = points - self.center
        lumps = np.clip(self.surface(points)[0], -1.8, 1.8)
        return np.asarray(self.radius * (1 + roughness * lumps) - np.sqrt(norm2(offset)))


@dataclass(frozen=True, eq=False)
class Glioma(PhantomTumor):
    """High grade: in the white matter, ragged, a bright ring around a dark core, edema around it.

    Attributes:
        rim: thickness of the enhancing ring, mm.
        edema: width of the edema, as a share of `radius`.
    """

    rim: float
    edema: float

    @classmethod
    def random(cls, rng: np.random.Generator, head: Head) -> Glioma:
        """Sample one in a cerebral hemisphere, completely inside the brain."""
        while True:
            radius = float(rng.uniform(10, 21))
            side = float(rng.choice([-1, 1]))
            if rng.random() < 0.3:  # the temporal lobe
                center = column((side * rng.uniform(38, 50), rng.uniform(-22, 8), rng.uniform(-26, -16)))
            else:
                center = column((side * rng.uniform(16, 46), rng.uniform(-70, 48), rng.uniform(4, 52)))
            room = float(head.cavity(center)[0])
            if room > 0.8 * radius + 4 and abs(float(center[0, 0])) > 0.55 * radius + 6:
                break
        return cls(
            center=center,
            radius=radius,
            surface=Waves.random(rng, 1.7 * radius, count=8, components=2),
            rim=float(rng.uniform(2.8, 5.0)),
            edema=float(rng.uniform(0.35, 0.9)),
        )

    def distance(self, points: Points, cavity: Field) -> Field:
        """Ring and core, not the edema."""
        ragged = 0.06 * self.radius * self.surface(points * np.float32(2.3))[1]
        return overlap(self._ball(points, 0.12) + ragged, cavity - 2.5, 3)

    def paint(self, signal: SignalMap, points: Points, cavity: Field, white: Field, tissue: Contrast) -> Field:
        """Edema spreads through the white matter and spares the cortex."""
        inside = self.distance(points, cavity)
        uneven = np.clip(self.surface(points * np.float32(1.9)), -1.5, 1.5)
        width = self.radius * self.edema * (1 + 0.45 * uneven[0])
        spread = np.clip((inside + width) / 3, 0, 1) * (inside < 0.5)
        signal.values += (tissue.edema - signal.values) * (spread * (0.2 + 0.75 * white)).astype(np.float32)
        ring = tissue.enhancing * (0.95 + 0.12 * uneven[1])
        signal.fill(ring, inside)
        signal.fill(tissue.necrosis * (1 + 0.12 * uneven[0]), inside - self.rim * (1 + 0.35 * uneven[1]))
        return inside


@dataclass(frozen=True, eq=False)
class Meningioma(PhantomTumor):
    """On the dura with a broad base: smooth, evenly bright, with a tail along the dura.

    Attributes:
        side: 0 on the vault or the skull base; -1 or 1 on that side of the falx.
    """

    side: int
    mass: ClassVar[float] = 0.85

    @classmethod
    def random(cls, rng: np.random.Generator, head: Head) -> Meningioma:
        """Sample one over the convexity, beside the falx, or on the floor of the anterior fossa."""
        radius = float(rng.uniform(10, 20))
        side, depth, start = 0, radius * float(rng.uniform(0.25, 0.5)), VAULT
        match str(rng.choice(["convexity", "falx", "midline base", "sphenoid wing"], p=[0.5, 0.25, 0.12, 0.13])):
            case "convexity":
                turn, rise = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 1.2)
                ray = (np.cos(turn) * np.cos(rise), np.sin(turn) * np.cos(rise), np.sin(rise))
            case "falx":
                turn, side = rng.uniform(0.25, 2.7), int(rng.choice([-1, 1]))
                ray, depth = (0.0, np.cos(turn), np.sin(turn)), depth + 0.5 * radius
            case "midline base":
                start, ray = (rng.uniform(-6, 6), rng.uniform(25, 48), 20), (0, 0, -1)
            case _:
                start, ray = (rng.choice([-1, 1]) * rng.uniform(26, 40), rng.uniform(8, 24), 20), (0, 0, -1)
        center = _toward_dura(head, start, ray, depth)
        if side:
            center = center + column((side * radius * float(rng.uniform(0.3, 0.55)), 0, 0))
        return cls(center, radius, Waves.random(rng, 2.2 * radius, count=8, components=2), side)

    def distance(self, points: Points, cavity: Field) -> Field:
        """A ball, clipped by the dura or by the falx."""
        body = overlap(self._ball(points, 0.08), cavity - 0.3, 1.5)
        return overlap(body, self.side * points[0] - np.float32(0.3), 1.5) if self.side else body

    def paint(self, signal: SignalMap, points: Points, cavity: Field, white: Field, tissue: Contrast) -> Field:
        """A cleft of CSF separates tumor and brain; the dura nearby is thick and enhances."""
        inside = self.distance(points, cavity)
        dura = np.minimum(cavity, np.abs(points[0])) if self.side else cavity
        signal.fill(tissue.csf * 1.3, np.minimum(inside + 1.6, cavity - 1), 0.7)
        tail = np.clip(1 + inside / 14, 0, 1)
        signal.fill(tissue.enhancing, np.minimum(3.0 * tail - dura, np.minimum(dura, inside + 14)), 0.9 * (tail > 0))
        signal.fill(tissue.enhancing * (1 + 0.035 * self.surface(points * np.float32(2.5))[1]), inside)
        return inside


@dataclass(frozen=True, eq=False)
class Pituitary(PhantomTumor):
    """In the sella, in the midline: round, with a waist, growing up toward the chiasm."""

    mass: ClassVar[float] = 0.6

    @classmethod
    def random(cls, rng: np.random.Generator, head: Head) -> Pituitary:
        """Sample one; the larger, the further it extends out of the sella."""
        radius = float(rng.uniform(7, 14))
        center = column((rng.normal(0, 1.2), 3 + rng.normal(0, 0.8), -37 + 0.55 * radius))
        return cls(center, radius, Waves.random(rng, 2.2 * radius, count=8, components=2))

    def distance(self, points: Points, cavity: Field) -> Field:
        """A ball above and the widened sella below."""
        x, y, z = (float(v) for v in self.center[:, 0])
        r = self.radius
        sella = ellipsoid(points, (x, y, z - 0.55 * r), (0.85 * r, 0.75 * r, 0.62 * r))
        return union(self._ball(points, 0.04), sella, 2)

    def paint(self, signal: SignalMap, points: Points, cavity: Field, white: Field, tissue: Contrast) -> Field:
        """Enhances a little less than a meningioma, and less evenly."""
        inside = self.distance(points, cavity)
        uneven = self.surface(points * np.float32(2.0))
        signal.fill(tissue.csf, np.minimum(inside + 1.2, cavity))
        signal.fill(tissue.enhancing * (0.9 + 0.05 * uneven[1]), inside)
        return inside


def _toward_dura(head: Head, start: Triple, ray: Triple, depth: float) -> Points:
    """The last point on a ray that is still `depth` mm away from the dura."""
    steps = np.arange(0, 100, 0.5, dtype=np.float32)
    path: Points = column(start) + column(ray) * steps
    inside = np.flatnonzero(head.cavity(path) >= depth)
    return path[:, inside[-1:]]


TUMOR_TYPES: dict[str, type[Glioma] | type[Meningioma] | type[Pituitary]] = {
    "glioma": Glioma,
    "meningioma": Meningioma,
    "pituitary": Pituitary,
}
