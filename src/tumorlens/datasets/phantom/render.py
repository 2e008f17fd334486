"""Seed -> slices of one phantom patient: head, brain and tumor evaluated at the points of each slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tumorlens._arrays import Floats32
from tumorlens.datasets.phantom.acquisition import PLANES, Acquisition
from tumorlens.datasets.phantom.brain import Brain
from tumorlens.datasets.phantom.head_anatomy import Head
from tumorlens.datasets.phantom.shapes import Field, Points, SignalMap
from tumorlens.datasets.phantom.tumors import TUMOR_TYPES, PhantomTumor
from tumorlens.errors import DataError
from tumorlens.scan.types import GrayImage, Mask

PHANTOM_CLASSES = ("glioma", "meningioma", "pituitary", "no_tumor")


@dataclass(frozen=True, eq=False)
class PhantomSlice:
    """One image of a phantom patient.

    Attributes:
        image: (H, W) uint8.
        mask: (H, W) uint8, 1 = tumor (of a glioma ring and core, not the edema).
        label: one of `PHANTOM_CLASSES`.
        patient: equal for all slices of one seed.
        plane: one of `PLANES`.
        index: 0 for the patient's first slice.
    """

    image: GrayImage
    mask: Mask
    label: str
    patient: str
    plane: str
    index: int


def render_patient(
    label: str, seed: int, *, plane: str | None = None, slices: int = 4, size: int | None = None
) -> list[PhantomSlice]:
    """Render neighboring slices of one patient, as in contrast-enhanced T1-weighted MRI.

    Head, brain and scanner depend on the seed alone: the same seed with another label is the same
    person with another tumor or none, and has the same patient id.

    Args:
        label: one of `PHANTOM_CLASSES`.
        seed: any non-negative number; the same seed gives the same bytes.
        plane: one of `PLANES`; random if None.
        slices: number of slices, evenly spread over the tumor, so that each shows it. In a patient without tumor
            they lie where a tumor could have been.
        size: height and width in pixels; random if None.

    Raises:
        DataError: an unknown label or plane, or a number out of range.
    """
    for name, value, known in (("class", label, PHANTOM_CLASSES), ("plane", plane or PLANES[0], PLANES)):
        if value not in known:
            raise DataError(found=f"phantom: unknown {name} '{value}'", expected=f"one of {', '.join(known)}")
    if seed < 0 or slices < 1 or (size is not None and size < 32):
        raise DataError(
            found=f"phantom: seed {seed}, {slices} slices, size {size}",
            expected="a seed of 0 or more, at least one slice and a size of 32 pixels or more",
        )
    person = PhantomPerson.random(label, seed)
    scan = Acquisition.random(np.random.default_rng([seed, 1]), plane, size)
    low, high = person.lesion_extent(scan)
    positions = [float(low + (high - low) * (i + 0.5) / slices) for i in range(slices)]
    noise = np.random.default_rng([seed, 6])
    pairs = [person.slice(scan, position, noise) for position in positions]
    return [
        PhantomSlice(image.astype(np.uint8), mask, label, person.name, scan.plane, i)
        for i, (image, mask) in enumerate(pairs)
    ]


@dataclass(frozen=True, eq=False)
class PhantomPerson:
    """A head with its brain, and a tumor or none.

    Attributes:
        name: the patient id.
        head: skull, face and neck.
        brain: in it.
        lesion: the tumor; in a person without tumor one that could have been there.
        tumor: the lesion; None in a person without tumor.
    """

    name: str
    head: Head
    brain: Brain
    lesion: PhantomTumor
    tumor: PhantomTumor | None

    @classmethod
    def random(cls, label: str, seed: int) -> PhantomPerson:
        """The person of a seed, with a tumor of the class `label` or none."""
        anatomy, disease = (np.random.default_rng([seed, stream]) for stream in (0, 2 + PHANTOM_CLASSES.index(label)))
        head, brain = Head.random(anatomy), Brain.random(anatomy)
        tumor_type = label if label in TUMOR_TYPES else str(disease.choice(list(TUMOR_TYPES)))
        lesion = TUMOR_TYPES[tumor_type].random(disease, head)
        return cls(f"phantom{seed:07d}", head, brain, lesion, lesion if label in TUMOR_TYPES else None)

    def lesion_extent(self, scan: Acquisition, trim: float = 12.0) -> tuple[float, float]:
        """First and last slice position of the lesion without `trim` percent of its points at either end, mm."""
        steps = np.arange(-1.6, 1.61, 0.1, dtype=np.float32) * np.float32(self.lesion.radius)
        x, y, z = (axis.reshape(1, -1) for axis in np.meshgrid(steps, steps, steps))
        cube = np.concatenate([x, y, z]) + self.lesion.center
        inside = cube[:, self.lesion.distance(cube, self.head.cavity(cube)) > 0]
        low, high = np.percentile(scan.position_of(self.head.person(inside)), [trim, 100 - trim])
        return float(low), float(high)

    def slice(
        self, scan: Acquisition, position: float, noise: np.random.Generator, white: int = 255
    ) -> tuple[Floats32, Mask]:
        """Image, in whole gray values from 0 to `white`, and mask of one slice, averaged over its thickness."""
        shape = (scan.size, scan.size)
        grid = scan.grid(position)
        surface = self.head.surface(scan.to_head(grid))
        tissue = np.flatnonzero(surface > -scan.pixel)  # air needs no computation
        ideal, cover = np.zeros((2, scan.size**2), dtype=np.float32)
        for offset in (-0.25, 0.25):
            layer = scan.to_head(scan.grid(position + offset * scan.thickness)[:, tissue])
            values, inside = _layer(self.head, self.brain, self.tumor, scan, layer, surface[tissue])
            ideal[tissue] += values / 2
            cover[tissue] += inside / 2
        image = scan.expose(ideal.reshape(shape), grid, noise, white)
        return image, (cover >= 0.5).reshape(shape).astype(np.uint8)


def _layer(
    head: Head, brain: Brain, tumor: PhantomTumor | None, scan: Acquisition, grid: Points, surface: Field
) -> tuple[Field, Field]:
    """Signal intensity and tumor cover at the points of an infinitely thin plane, `surface` mm under the skin."""
    points = head.anatomy(grid)
    cavity = head.cavity(points)
    signal = SignalMap(np.zeros(surface.size, dtype=np.float32), max(scan.pixel, 0.9))
    outer, inner = np.flatnonzero(cavity < 2), np.flatnonzero(cavity > -2)
    shell = signal.select(outer)
    head.paint(shell, points[:, outer], cavity[outer], surface[outer], scan.contrast)
    signal.paste(outer, shell)
    before, depth, white = points.copy(), cavity.copy(), np.zeros_like(cavity)
    near = tumor.nearby(points) if tumor else inner[:0]
    if tumor and near.size:
        before[:, near] = tumor.displaced(points[:, near], cavity[near])
        depth[near] = head.cavity(before[:, near])
    core = signal.select(inner)
    white[inner] = brain.paint(core, before[:, inner], depth[inner], scan.contrast)
    signal.paste(inner, core)
    cover = np.zeros_like(cavity)
    if tumor and near.size:
        lesion = signal.select(near)
        inside = tumor.paint(lesion, points[:, near], cavity[near], white[near], scan.contrast)
        signal.paste(near, lesion)
        cover[near] = np.clip(inside / scan.pixel + 0.5, 0, 1)
    return np.clip(signal.values, 0, 1.2), cover
