"""The geometry of the phantom: distances to simple bodies, their unions, and smooth random fields.

Points are (3, N) in millimeters: x to the patient's left, y forwards, z upwards, the anterior
commissure near the origin. Distances are (N,), positive inside, exact on the surface and close to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Floats32

Points = Floats32  # (3, N)
Field = Floats32  # (N,)
Triple = tuple[float, float, float]


def column(values: Triple | Floats32) -> Points:
    """Three numbers as a (3, 1) column that broadcasts over points."""
    return np.asarray(values, dtype=np.float32).reshape(3, 1)


def mirrored_left(points: Points) -> Points:
    """Mirror all points to the left side, so that one body stands for a pair."""
    return np.stack([np.abs(points[0]), points[1], points[2]])


def norm2(vectors: Points) -> Field:
    """Squared length of each column."""
    return np.asarray(np.ones(3, dtype=np.float32) @ np.square(vectors))


def ellipsoid(points: Points, center: Triple, radii: Triple) -> Field:
    """Distance to an ellipsoid: radial excess divided by the norm of its gradient."""
    inverse = 1 / np.square(np.asarray(radii, dtype=np.float32))
    squares = np.square(points - column(center))
    r, slope = np.sqrt(np.stack([inverse, inverse * inverse]) @ squares + np.float32(1e-12))
    return np.asarray((1 - r) * r / slope)


def tube(points: Points, start: Triple | Points, end: Triple | Points, radii: tuple[float, float]) -> Field:
    """Distance to a rod with round ends and linearly changing radius."""
    a, axis = column(start), column(end) - column(start)
    offset = points - a
    along, length = axis[:, 0] @ offset, np.square(axis).sum()
    t = np.clip(along / length, 0, 1)
    off_axis = np.sqrt(np.maximum(norm2(offset) - t * (2 * along - t * length), 0))
    return np.asarray(radii[0] + (radii[1] - radii[0]) * t - off_axis)


def union(a: Field, b: Field, blend: float = 0.0) -> Field:
    """Union of two bodies, with a fillet of `blend` millimeters."""
    joined = np.maximum(a, b)
    if blend:
        joined = joined + np.square(np.maximum(blend - np.abs(a - b), 0)) / (4 * blend)
    return joined


def overlap(a: Field, b: Field, blend: float = 0.0) -> Field:
    """Intersection of two bodies, with a rounding of `blend` millimeters."""
    return -union(-a, -b, blend)


@dataclass(frozen=True, eq=False)
class Waves:
    """A smooth random field: a sum of plane waves of one wavelength and many directions.

    Attributes:
        vectors: (K, 3) wave vectors, radians per millimeter.
        phases: (K, 1).
        weights: (C, K), scaled so that each of the C components has unit variance.
    """

    vectors: Floats32
    phases: Floats32
    weights: Floats32

    @classmethod
    def random(cls, rng: np.random.Generator, wavelength: float, count: int = 10, components: int = 1) -> Waves:
        """Sample `count` waves of similar amplitude.

        Directions cover a jittered Fibonacci half sphere evenly; wavelengths vary by a fifth, so that the field
        does not repeat.
        """
        height = (np.arange(count) + 0.5) / count
        turn = np.arange(count) * np.pi * (3 - np.sqrt(5)) + rng.uniform(0, 2 * np.pi)
        flat = np.sqrt(1 - height**2)
        direction = np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=1)
        direction += rng.normal(0, 0.15, (count, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        vectors = direction * (2 * np.pi / wavelength * rng.uniform(0.8, 1.2, (count, 1)))
        weights = rng.choice([-1, 1], (components, count)) * rng.uniform(0.6, 1.4, (components, count))
        weights *= np.sqrt(2) / np.linalg.norm(weights, axis=1, keepdims=True)
        phases = rng.uniform(0, 2 * np.pi, (count, 1))
        return cls(vectors.astype(np.float32), phases.astype(np.float32), weights.astype(np.float32))

    def __call__(self, points: Points) -> Points:
        """The field, (C, N)."""
        return np.asarray(self.weights @ np.cos(self.vectors @ points + self.phases))

    def distance_to_zero(self, points: Points) -> Field:
        """Distance to the zero surfaces of the first component, 0 on them and growing."""
        angle = self.vectors @ points + self.phases
        value = self.weights[0] @ np.cos(angle)
        slope = (self.vectors * self.weights[0][:, None]).T @ np.sin(angle)
        floor = np.float32(0.3) * np.float32(np.linalg.norm(self.vectors, axis=1).mean())
        return np.asarray(np.abs(value) / np.maximum(np.sqrt(norm2(slope)), floor))


@dataclass
class SignalMap:
    """Signal intensity at N points, painted tissue by tissue; later tissues cover earlier ones.

    Attributes:
        values: (N,), 0 = air, 1 = the brightest fat.
        pixel: width of a soft edge, about one pixel, millimeters.
    """

    values: Field
    pixel: float

    def fill(self, value: float | Field, distance: Field, opacity: float | Field = 1.0) -> Field:
        """Paint a body with a soft edge and return the share of each point that it covers, 0 to 1."""
        cover: Field = np.asarray(np.clip(distance / self.pixel + 0.5, 0, 1) * opacity)
        self.values += (value - self.values) * cover
        return cover

    def select(self, where: npt.NDArray[np.intp]) -> SignalMap:
        """A copy of the signal at some of the points, to paint on and to `paste` back."""
        return SignalMap(self.values[where], self.pixel)

    def paste(self, where: npt.NDArray[np.intp], selected: SignalMap) -> None:
        """Write the signal of a `select`ion back."""
        self.values[where] = selected.values
