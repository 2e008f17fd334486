"""The phantom's brain: folded cortex, white matter, ventricles, deep nuclei, stem and cerebellum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tumorlens.datasets.phantom.acquisition import Contrast
from tumorlens.datasets.phantom.head_anatomy import VAULT
from tumorlens.datasets.phantom.shapes import (
    Field,
    Points,
    SignalMap,
    Triple,
    Waves,
    column,
    ellipsoid,
    mirrored_left,
    norm2,
    overlap,
    tube,
    union,
)

# In front the ventricle has the shape of a wing: flat, its long axis upwards and outwards. This matrix shrinks that
# axis, so that a round rod becomes the wing.
_WING = np.array([[0.98, 0, -0.33], [0, 1, 0], [-0.33, 0, 1.06]], dtype=np.float32)

# The lateral ventricle of the left side: from, to, radii, in mm.
_VENTRICLE: tuple[tuple[Triple, Triple, tuple[float, float]], ...] = (
    ((16, 31, 4), (9, 6, 14), (3.4, 6.2)),
    ((9, 6, 14), (14, -22, 17), (6.2, 5.4)),
    ((13, -22, 17), (25, -40, 9), (5.4, 6.5)),
    ((25, -40, 9), (21, -64, 3), (5.5, 2.0)),
    ((25, -40, 9), (34, -26, -9), (5.0, 3.0)),
    ((34, -26, -9), (29, -9, -19), (2.8, 2.2)),
)


@dataclass(frozen=True, eq=False)
class Brain:
    """Shape of one person's brain, in the coordinates of the average head.

    Attributes:
        folds: its zero surfaces are the sulci.
        bend: deviation of the sulci from straight, and their depth (three components).
        vessels: position of enhancing vessels in the sulci.
        depth: mean depth of the sulci, mm.
        width: of the sulci and of the CSF over the brain, mm; grows with age.
        ventricles: size of the ventricles, 1 = usual.
    """

    folds: Waves
    bend: Waves
    vessels: Waves
    depth: float
    width: float
    ventricles: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Brain:
        """Sample a brain between young (narrow sulci, small ventricles) and old."""
        age = float(rng.uniform(0, 1))
        return cls(
            folds=Waves.random(rng, 25, count=14),
            bend=Waves.random(rng, 45, components=3),
            vessels=Waves.random(rng, 13),
            depth=float(rng.uniform(13, 17)),
            width=0.35 + 0.6 * age,
            ventricles=float(0.8 + 0.5 * age + rng.normal(0, 0.08)),
        )

    def paint(self, signal: SignalMap, points: Points, cavity: Field, tissue: Contrast) -> Field:
        """Paint everything inside the dura.

        Args:
            signal: with the head already painted.
            points: coordinates of the average head, (3, N), after the tumor has displaced the brain.
            cavity: distance to the dura at `points`.
            tissue: signal intensity of each tissue.

        Returns:
            Share of cerebral white matter at each point, 0 to 1.
        """
        one = mirrored_left(points)
        tent = _tentorium(one)
        fissure = _fissure(points)
        signal.fill(tissue.csf, cavity)
        pial = self._pial(points, one, cavity, tent, fissure, _callosal(points))
        signal.fill(tissue.gray, pial)
        white = signal.fill(tissue.white, pial - 2.9)
        deep = np.flatnonzero(cavity > 9)
        core = signal.select(deep)
        white[deep] = np.maximum(white[deep], self._core(core, points[:, deep], one[:, deep], cavity[deep], tissue))
        signal.paste(deep, core)
        low = np.flatnonzero((tent > -2) | (np.hypot(points[0], points[1] + 14) < 26) & (points[2] < -2))
        stem = signal.select(low)
        self._posterior_fossa(stem, points[:, low], one[:, low], cavity[low], tent[low], tissue)
        signal.paste(low, stem)
        self._dura(signal, points, cavity, tent, fissure, tissue)
        return white

    def _pial(self, points: Points, one: Points, cavity: Field, tent: Field, fissure: Field, arc: Field) -> Field:
        """Distance to the surface of the cerebrum: hull first, then the sulci that cut into it."""
        side, y, z = one
        bend = self.bend(points)
        # Height over the Sylvian fissure, which rises backwards and is nowhere straight.
        lift = z + 8 - np.clip(-y, -30, 40) * np.float32(0.42) + 2.5 * bend[1]
        along = np.maximum(np.abs(y + 4) - 34, 0)
        sylvian = np.sqrt(np.square(np.maximum(38 - side, 0)) + np.square(lift) + np.square(along))
        insula = np.sqrt(
            np.square(side - 38 - 1.8 * bend[2]) + np.square(np.maximum(np.abs(lift - 4) - 9, 0)) + np.square(along)
        )
        cistern = -ellipsoid(one, (0, -18, -24), (16, 26, 14))
        hull = np.minimum(cavity - 1.2 - self.width, fissure - 0.6)
        hull = np.minimum(hull, np.minimum(cistern, -1.2 - tent))
        opercula = np.minimum(sylvian, insula) - 0.7 - self.width
        hull = np.where(side > 40, np.minimum(hull, opercula), hull)
        radial = (points - column(VAULT)) / column((67, 86, 70))
        r = np.clip(np.sqrt(norm2(radial)), 0.3, 1.2)
        # Sulci run inwards: the folds are those of the surface point that lies further out on the ray.
        shrink = r ** np.float32(0.8)
        sheets = self.folds.distance_to_zero((points - column(VAULT)) / shrink + 3 * bend) * shrink
        beyond = np.maximum(hull - self.depth - 3.5 * bend[0], 0) + np.maximum(np.minimum(2 - arc, 26 - side), 0)
        sulci = np.hypot(sheets, beyond) - self.width * (0.5 + np.clip(1 - hull / 9, 0, 1))
        return np.asarray(np.minimum(np.minimum(hull, opercula), sulci))

    def _core(self, signal: SignalMap, points: Points, one: Points, cavity: Field, tissue: Contrast) -> Field:
        """Corpus callosum, deep nuclei and ventricles; returns the cover of the callosum."""
        x, y, z = points
        arc = _callosal(points)
        thick = 2.1 + 1.2 * np.clip(np.abs(y + 6) / 34, 0, 1) ** 2
        callosum = np.minimum(thick - np.abs(arc + thick), np.minimum(20 - one[0], z + 3 + 0.1 * y))
        cover = signal.fill(tissue.white, overlap(callosum, cavity))
        deep = tissue.gray
        caudate = ellipsoid(one, (14, 12, 7), (5.5, 12, 8))
        for nucleus in (
            caudate,
            ellipsoid(one, (26, 0, 1), (6.5, 17, 9)),
            ellipsoid(one, (10.5, -18, 6), (9.5, 14, 8.5)),
        ):
            signal.fill(deep, nucleus, 0.85)
        size = self.ventricles
        lateral, flat = np.full_like(x, -99), _WING @ one
        for start, end, (first, last) in _VENTRICLE:
            ends = _WING @ column(start), _WING @ column(end)
            lateral = union(lateral, tube(flat, *ends, (first * size, last * size)), 2)
        within = np.minimum(-arc - 2 * thick + 0.5, one[0] - 1.0)
        atrium = y < -32
        lateral = np.where(atrium, lateral, overlap(lateral, within, 1))
        lateral = overlap(lateral, -caudate - 0.3, 2)
        signal.fill(tissue.csf, lateral)
        plexus = overlap(tube(one, (14, -24, 15), (26, -39, 7), (1.5, 3.2)), lateral - 0.6)
        signal.fill(tissue.vessel * 0.8, plexus, 0.8)
        third = np.minimum(1.9 * size - one[0], ellipsoid(points, (0, -10, -2), (99, 16, 11)))
        signal.fill(tissue.csf, third)
        return cover

    def _posterior_fossa(
        self, signal: SignalMap, points: Points, one: Points, cavity: Field, tent: Field, tissue: Contrast
    ) -> None:
        """Cerebellum with its folia, brain stem, fourth ventricle, chiasm, pituitary gland and stalk."""
        side, y, z = one
        signal.fill(tissue.csf, overlap(tent, cavity))
        lobes = ellipsoid(one, (24, -63, -40), (31, 31, 26))
        vermis = ellipsoid(one, (0, -64, -34), (13, 26, 25))
        cerebellum = overlap(union(lobes, vermis, 5), np.minimum(tent - 1.5, cavity - 2.5), 3)
        angle = np.arctan2(z + 35, -(y + 40 + side * side * np.float32(0.008)))
        leaf = np.sin(angle * 24 + 0.5 * self.bend(points)[1])
        signal.fill(tissue.gray, cerebellum)
        signal.fill(tissue.white, np.minimum(cerebellum - 2.2, 2.2 * leaf - 0.9 + np.maximum(cerebellum - 9, 0)), 0.8)
        signal.fill(tissue.csf * 1.6, overlap(1.2 - 4.5 * (1 + leaf), overlap(cerebellum + 1, 9 - cerebellum)), 0.7)
        stem = tube(points * column((0.8, 1, 1)), (0, -27, -6), (0, -30, -30), (10, 11))
        stem = union(stem, tube(one, (9, -17, -4), (5, -22, -26), (6, 6)), 3)
        stem = union(stem, ellipsoid(points, (0, -25, -31), (17, 12.5, 13)), 4)
        stem = union(stem, tube(points, (0, -33, -40), (0, -42, -66), (9, 6.5)), 4)
        stem = union(stem, tube(points, (0, -42, -66), (0, -48, -160), (6.5, 5.5)))
        signal.fill(0.35 * tissue.gray + 0.65 * tissue.white, stem)
        signal.fill(tissue.csf, ellipsoid(points, (0, -43, -34), (7 * self.ventricles, 4.5, 9)))
        signal.fill(tissue.csf, tube(points, (0, -34, -6), (0, -41, -28), (1.0, 1.5)))
        signal.fill(tissue.white * 0.95, ellipsoid(points, (0, 5, -20), (9, 4.5, 2.2)))
        signal.fill(tissue.enhancing * 0.95, ellipsoid(points, (0, 3, -36.5), (6.5, 5, 3.2)))
        signal.fill(tissue.enhancing * 0.9, tube(points, (0, 2, -34), (0, -1, -22), (1.0, 0.9)))

    def _dura(
        self, signal: SignalMap, points: Points, cavity: Field, tent: Field, fissure: Field, tissue: Contrast
    ) -> None:
        """The enhancing structures between the lobes: dura, falx, tentorium, sinuses and vessels."""
        x, y, z = points
        side = np.abs(x)
        sheet = overlap(0.5 - np.abs(cavity - 0.3), 9 - np.abs(cavity))
        signal.fill(tissue.dura, sheet, 0.55)
        falx = np.minimum(0.45 - np.abs(fissure), np.minimum(cavity, _callosal(points) - 9))
        signal.fill(tissue.dura, np.minimum(falx, z + 12), 0.8)
        signal.fill(
            tissue.dura,
            np.minimum(0.5 - np.abs(tent), np.minimum(cavity, np.maximum(side - 17, -40 - y))),
            0.7,
        )
        sagittal_sinus = np.minimum(
            4.0 - side - 0.55 * np.abs(cavity - 2), np.minimum(cavity, np.maximum(z - 30, -60 - y))
        )
        signal.fill(tissue.vessel, np.minimum(sagittal_sinus, z + 14))
        transverse = np.minimum(3.6 - np.hypot(tent, cavity - 3), np.minimum(-48 - y, side - 6))
        signal.fill(tissue.vessel, transverse)
        signal.fill(tissue.vessel, tube(points, (0, -46, 4), (0, -92, -14), (1.8, 2.5)))
        one = mirrored_left(points)
        signal.fill(tissue.vessel * 0.9, tube(points, (0, -10, -18), (0, -13, -44), (1.7, 1.9)))
        signal.fill(tissue.vessel * 0.95, ellipsoid(one, (14, 3, -36), (3.2, 9, 4)), 0.9)
        signal.fill(tissue.vessel * 0.9, tube(one, (8, 3, -22), (36, 6, -14), (1.3, 1.0)))
        spots = np.minimum(1.3 * (self.vessels(points)[0] - 2.05), np.minimum(cavity - 0.5, 16 - cavity))
        signal.fill(tissue.vessel, np.minimum(spots, 0.3), 0.8)


def _callosal(points: Points) -> Field:
    """Distance in the sagittal plane from the arc over the corpus callosum, positive outside it."""
    flat = points * column((0, 1, 1))
    return -ellipsoid(flat, (0, -6, 3), (1, 37, 24))


def _fissure(points: Points) -> Field:
    """Distance to the sheet between the hemispheres, which ends at the corpus callosum."""
    wander = np.float32(0.6) * np.sin(points[1] * np.float32(0.11)) * np.sin(points[2] * np.float32(0.09))
    return np.asarray(np.hypot(points[0] + wander, np.maximum(-_callosal(points), 0)))


def _tentorium(one: Points) -> Field:
    """Distance to the tentorium and the petrous ridge, positive in the posterior fossa."""
    side, y, z = one
    roof = (-3 - 0.40 * side + 0.003 * side * side - 0.28 * np.maximum(-42 - y, 0) - z) * np.float32(0.85)
    ridge = np.maximum(-37 - y - 0.3 * (side - 30), 18 - np.hypot(side, 0.85 * (y + 24)))
    return np.asarray(overlap(roof, ridge, 4))
