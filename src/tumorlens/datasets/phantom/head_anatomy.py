"""The head of the phantom around the brain: cranial cavity, skull, scalp, face and neck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tumorlens.datasets.phantom.acquisition import Contrast
from tumorlens.datasets.phantom.shapes import (
    Field,
    Points,
    SignalMap,
    Waves,
    column,
    ellipsoid,
    mirrored_left,
    overlap,
    tube,
    union,
)

VAULT = (0.0, -16.0, 6.0)  # center of the ellipsoid that the inner table of the skull follows

# Height of the skull base (y, z in mm). In the midline from behind: foramen magnum, clivus, dorsum sellae,
# sella, planum, cribriform plate; to the side: posterior fossa, petrous ridge, middle fossa, sphenoid wing.
_BASE_MIDLINE = (
    (-62, -70),
    (-36, -70),
    (-8, -34),
    (-5, -31),
    (-2, -39),
    (8, -39),
    (12, -29),
    (60, -24),
    (90, -12),
)
_BASE_LATERAL = ((-75, -62), (-54, -62), (-38, -38), (-28, -46), (14, -46), (21, -22), (60, -20), (90, -8))

# Outline of the face (z; how far forward; half width, in mm), from under the chin to the forehead.
_FACE = (
    (-150, 8, 44), (-121, 12, 48), (-114, 68, 50), (-104, 82, 52), (-94, 79, 57), (-84, 84, 62),
    (-70, 83, 66), (-50, 80, 70), (-30, 81, 72), (0, 80, 62), (35, 50, 20),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Head:
    """Shape of one person's head.

    Attributes:
        radii: half axes of the cranial cavity, mm.
        skull: thickness of the skull, mm.
        scalp: thickness of the scalp, mm.
        warp: smooth displacement that makes the head individual and asymmetric.
        texture: fat and muscle, marrow and air cells (three components).
    """

    radii: tuple[float, float, float]
    skull: float
    scalp: float
    warp: Waves
    texture: Waves

    @classmethod
    def random(cls, rng: np.random.Generator) -> Head:
        """Sample a head of adult size."""
        scale = rng.normal(1, 0.025)
        radii = tuple(float(r * scale * rng.normal(1, 0.025)) for r in (67, 86, 70))
        return cls(
            radii=(radii[0], radii[1], radii[2]),
            skull=float(rng.uniform(5.5, 8.5)),
            scalp=float(rng.uniform(4.0, 6.5)),
            warp=Waves.random(rng, 130, components=3),
            texture=Waves.random(rng, 18, count=16, components=3),
        )

    def anatomy(self, points: Points) -> Points:
        """Head coordinates of this person -> coordinates of the average head."""
        return points + np.float32(2.2) * self.warp(points)

    def person(self, points: Points) -> Points:
        """The inverse of `anatomy`, to a fraction of a millimeter."""
        guess = points
        for _ in range(3):
            guess = points - np.float32(2.2) * self.warp(guess)
        return guess

    def vault(self, points: Points) -> Field:
        """Distance to the inner table of the skull, as a closed egg that is narrower in front."""
        narrow = 1 + np.clip((points[1] + 10) / 90, -0.5, 1) ** 2 * np.float32(0.09)
        egg = np.stack([points[0] * narrow, points[1], points[2]])
        return ellipsoid(egg, VAULT, self.radii)

    def cavity(self, points: Points) -> Field:
        """Distance to the dura: positive inside the cranial cavity, negative in bone and outside."""
        return overlap(self.vault(points), (points[2] - _base(points)) * np.float32(0.8), 7)

    def surface(self, points: Points) -> Field:
        """Distance to the skin: positive inside the head."""
        x, y, z = points
        height, front, width = (np.array(knots, dtype=np.float32) for knots in zip(*_FACE, strict=True))
        w, f = (np.interp(z, height, knots).astype(np.float32) for knots in (width, front))
        depth = np.where(y > 5, f - 5, 45)
        face = (1 - (np.abs(x / w) ** 2.4 + np.abs((y - 5) / depth) ** 2.4) ** (1 / 2.4)) * np.minimum(w, depth)
        face = overlap(face, np.minimum(z + 119, 40 - z), 10)
        neck = overlap(ellipsoid(points * column((1, 1, 0)), (0, -36, 0), (57, 50, 1e3)), -30 - z, 20)
        nose = tube(points, (0, 76, -30), (0, 89, -56), (8, 12))
        ears = ellipsoid(mirrored_left(points), (76, -24, -30), (6, 11, 20))
        shell = self.vault(points) + self.skull + self.scalp
        body = union(union(union(shell, face, 16), neck, 16), nose, 9)
        return union(body, ears, 3)

    def paint(self, signal: SignalMap, points: Points, cavity: Field, surface: Field, tissue: Contrast) -> None:
        """Paint everything outside of the cranial cavity, from the deep muscles to the skull."""
        # Stretched upwards, like the muscles of head and neck.
        fat, marrow, cells = self.texture(points * column((1, 1, 0.35)))
        signal.values[:] = 0
        signal.fill(tissue.skin, surface)
        signal.fill(tissue.fat, surface - 1.8)
        lumpy = surface - (self.scalp + 3 + 1.5 * fat)
        signal.fill(tissue.muscle * (1 + 0.10 * marrow), lumpy)
        signal.fill(tissue.fat * 0.75, overlap(lumpy, 1.8 - 7 * np.abs(cells - 0.4)), 0.55)
        if (points[2] < -14).any():
            _face(signal, points, cells, tissue)
            _neck(signal, points, tissue)
        depth = -cavity
        signal.fill(tissue.bone, overlap(self.skull - depth, depth + 1))
        diploe = self.skull * (0.22 + 0.06 * marrow) - np.abs(depth - self.skull * 0.52)
        signal.fill(tissue.marrow * (1 + 0.2 * fat), diploe)
        petrous = overlap(
            ellipsoid(mirrored_left(points), (50, -34, -52), (13, 15, 14)), np.minimum(depth - 2, surface - 12)
        )
        signal.fill(tissue.bone + 0.16 * np.abs(cells), petrous)


def _base(points: Points) -> Field:
    """Height of the skull base under each point, mm."""
    side = np.abs(points[0])
    lateral = np.clip((side - 10) / 10, 0, 1)
    lateral = lateral * lateral * (3 - 2 * lateral)
    y, z = zip(*_BASE_MIDLINE, strict=True)
    middle = np.interp(points[1], y, z)
    y, z = zip(*_BASE_LATERAL, strict=True)
    return np.asarray(middle + (np.interp(points[1] + 0.3 * (side - 30), y, z) - middle) * lateral, dtype=np.float32)


def _face(signal: SignalMap, points: Points, cells: Field, tissue: Contrast) -> None:
    """Orbits with their globes, the air of nose, sinuses and throat, palate, tongue and jaw."""
    x, _, z = points
    one = mirrored_left(points)
    signal.fill(tissue.fat * 0.85, ellipsoid(one, (31, 50, -36), (17, 25, 16)))
    for start in ((45, 50, -36), (20, 52, -36), (31, 50, -24), (31, 50, -48)):
        signal.fill(tissue.muscle * 1.2, tube(one, start, (17, 22, -33), (2.4, 1.5)))
    signal.fill(tissue.gray, tube(one, (32, 46, -36), (12, 16, -27), (2.4, 2.2)))
    globe = ellipsoid(one, (32, 60, -36), (12.5, 12.5, 12.5))
    signal.fill(tissue.skin, globe)
    signal.fill(tissue.csf * 1.2, globe - 1.5)
    signal.fill(tissue.skin * 0.8, ellipsoid(one, (32, 69, -36), (5, 2.5, 5)))
    nose = overlap(ellipsoid(points, (0, 42, -56), (17, 36, 21)), 15 - np.abs(x), 4)
    signal.fill(tissue.bone, nose)
    turbinates = overlap(np.sin(np.abs(x) * 0.75 + 0.08 * z) * 2 - 0.2 + cells, nose - 1)
    signal.fill(tissue.muscle * 1.3, turbinates, 0.85)
    signal.fill(tissue.muscle * 1.3, overlap(1.0 - np.abs(x), nose))
    signal.fill(0.03, ellipsoid(points, (0, 14, -49), (14, 15, 10)))
    signal.fill(0.03, ellipsoid(one, (31, 44, -66), (13, 15, 14)))
    signal.fill(tissue.bone, tube(points, (0, 66, -80), (0, 24, -77), (3, 2.5)))
    signal.fill(tissue.muscle * 1.25, ellipsoid(points, (0, 38, -98), (23, 31, 17)))
    signal.fill(0.03, tube(points * column((0.55, 1, 1)), (0, 2, -62), (0, -6, -132), (5.5, 4.5)))
    jaw = tube(one, (10, 68, -105), (46, 12, -84), (9, 8))
    signal.fill(tissue.bone, jaw)
    signal.fill(tissue.marrow * 1.3, jaw - 3)
    signal.fill(tissue.bone, tube(one, (0, 74, -84), (24, 52, -84), (4, 4)))


def _neck(signal: SignalMap, points: Points, tissue: Contrast) -> None:
    """Clivus, vertebral bodies with their discs, and the spinal canal."""
    clivus = tube(points * column((0.6, 1, 1)), (0, 1, -48), (0, -22, -72), (6, 4))
    signal.fill(tissue.bone, clivus + 2)
    signal.fill(tissue.marrow * 1.25, clivus)
    spine = tube(points * column((0.8, 1, 1)), (0, -24, -80), (0, -30, -150), (7, 9))
    signal.fill(tissue.bone, spine + 1.5)
    signal.fill(tissue.marrow * 1.1, overlap(spine, 6.5 - np.abs((points[2] + 90) % 17 - 8.5)))
    signal.fill(tissue.csf, tube(points, (0, -42, -66), (0, -48, -160), (11, 9)))
