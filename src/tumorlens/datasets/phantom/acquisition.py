"""Random acquisition of a phantom: plane, field of view, pose, tissue contrast, bias field and noise."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Floats, Floats32
from tumorlens.datasets.phantom.shapes import Field, Points, column

PLANES = ("axial", "coronal", "sagittal")
SIZES = (160, 192, 224, 256)

# Direction of the columns, of the rows and of the slices, and the center of the image. Axial and coronal slices are in
# radiological convention, the face up or toward the viewer; in sagittal slices the face is on the left.
_AXES = {
    "axial": ((1, 0, 0), (0, -1, 0), (0, 0, 1), (0, -12, 0)),
    "coronal": ((1, 0, 0), (0, 0, -1), (0, 1, 0), (0, 0, -14)),
    "sagittal": ((0, -1, 0), (0, 0, -1), (1, 0, 0), (0, -2, -18)),
}


@dataclass(frozen=True)
class Contrast:
    """Signal intensity of each tissue after contrast agent, relative to subcutaneous fat at about 1.

    The defaults follow T1-weighted spin echo after gadolinium: fat, then tissue without a blood-brain
    barrier, white matter, gray matter, edema, muscle, necrosis, CSF, compact bone and air.
    """

    fat: float = 0.92
    skin: float = 0.62
    marrow: float = 0.45
    bone: float = 0.07
    muscle: float = 0.34
    csf: float = 0.13
    gray: float = 0.37
    white: float = 0.48
    vessel: float = 0.82
    dura: float = 0.60
    enhancing: float = 0.80
    necrosis: float = 0.22
    edema: float = 0.31

    @classmethod
    def random(cls, rng: np.random.Generator) -> Contrast:
        """Vary every tissue around its usual value, and the contrast of gray to white matter."""
        values = {f.name: getattr(cls, f.name) * rng.normal(1, 0.035) for f in fields(cls)}
        values["gray"] = values["white"] * rng.uniform(0.72, 0.84)
        return cls(**values)

    def like(self, sequence: Contrast) -> Contrast:
        """The contrast of another sequence in the same person: its values, varied by the same factors."""
        usual = Contrast()
        ratios = {f.name: getattr(self, f.name) / getattr(usual, f.name) for f in fields(self)}
        return Contrast(**{name: getattr(sequence, name) * ratio for name, ratio in ratios.items()})


SEQUENCES = {
    "T1 post": Contrast(),
    "T1": Contrast(vessel=0.12, dura=0.30, enhancing=0.36),
    "T2": Contrast(
        fat=0.55, skin=0.40, marrow=0.35, muscle=0.18, csf=0.95, gray=0.48, white=0.36, vessel=0.05,
        dura=0.15, enhancing=0.58, necrosis=0.85, edema=0.80,
    ),
    "FLAIR": Contrast(
        fat=0.60, skin=0.45, marrow=0.35, muscle=0.22, csf=0.06, gray=0.50, white=0.40, vessel=0.06,
        dura=0.20, enhancing=0.62, necrosis=0.30, edema=0.90,
    ),
    "DWI": Contrast(
        fat=0.10, skin=0.10, marrow=0.08, muscle=0.10, csf=0.10, gray=0.42, white=0.38, vessel=0.04,
        dura=0.08, enhancing=0.60, necrosis=0.15, edema=0.30,
    ),
    "CT": Contrast(
        fat=0.20, skin=0.24, marrow=0.55, bone=0.95, muscle=0.27, csf=0.23, gray=0.27, white=0.26, vessel=0.27,
        dura=0.29, enhancing=0.29, necrosis=0.24, edema=0.25,
    ),
}  # fmt: skip
"""Signal intensities by sequence, and of CT. Only their order is real: bright fluid in T2, bright bone in CT."""


@dataclass(frozen=True, eq=False)
class Acquisition:
    """The scan parameters of one patient: equal for all slices, and independent of the class.

    Attributes:
        plane: one of `PLANES`.
        size: height and width in pixels.
        pixel: millimeters between pixel centers.
        thickness: of a slice, millimeters.
        rotation: (3, 3), of the head in the scanner.
        shift: (3, 1), of the head in the scanner, millimeters.
        contrast: signal intensity of each tissue.
        gamma: of the display; below 1 brightens dark tissues.
        gain: gray value of signal intensity 1; 255 = white.
        noise: standard deviation of each of the two channels, in units of signal intensity.
        shading: (9,) coefficients of the smooth bias field, see `_polynomial`.
        tilt: (3, 3), of the slices about the axes of the scanner; the identity for straight slices.
    """

    plane: str
    size: int
    pixel: float
    thickness: float
    rotation: Floats32
    shift: Points
    contrast: Contrast
    gamma: float
    gain: float
    noise: float
    shading: Floats32
    tilt: Floats32 = field(default_factory=lambda: np.eye(3, dtype=np.float32))

    @classmethod
    def random(cls, rng: np.random.Generator, plane: str | None, size: int | None) -> Acquisition:
        """Sample a scan; `plane` and `size` replace the sampled ones without changing the others."""
        random_plane, random_size = rng.choice(PLANES), int(rng.choice(SIZES))
        pixels = size or random_size
        return cls(
            plane=plane or str(random_plane),
            size=pixels,
            pixel=float(rng.uniform(225, 255)) / pixels,
            thickness=float(rng.uniform(2.5, 4.5)),
            rotation=rotation(rng.normal(0, np.radians(3.0), 3)),
            shift=column(rng.normal(0, 3.0, 3).astype(np.float32)),
            contrast=Contrast.random(rng),
            gamma=float(rng.uniform(0.9, 1.15)),
            gain=float(rng.uniform(225, 270)),
            noise=float(rng.uniform(0.008, 0.030)),
            shading=rng.normal(0, [0.08] * 3 + [0.06] * 6).astype(np.float32),
        )

    def grid(self, position: float) -> Points:
        """Scanner coordinates of the pixels of the slice at `position` mm, (3, size * size), row by row."""
        columns, rows, normal, center = (column(axis) for axis in _AXES[self.plane])
        steps = (np.arange(self.size, dtype=np.float32) - (self.size - 1) / 2) * np.float32(self.pixel)
        u, v = (axis.reshape(1, -1) for axis in np.meshgrid(steps, steps))
        straight = columns * u + rows * v + normal * np.float32(position) + center * (normal == 0)
        return np.asarray(self.tilt @ straight)

    def affine(self, positions: npt.ArrayLike) -> Floats:
        """Voxel indices (slice, row, column, 1) -> LPS millimeters, (4, 4), of equally spaced slices.

        Args:
            positions: of two or more slices, as in `grid`, mm.
        """
        columns, rows, normal, center = (np.asarray(axis, dtype=np.float64) for axis in _AXES[self.plane])
        first, second = np.asarray(positions, dtype=np.float64)[:2]
        corner = normal * first + center * (normal == 0) - (columns + rows) * self.pixel * (self.size - 1) / 2
        steps = np.stack([normal * (second - first), rows * self.pixel, columns * self.pixel], axis=1)
        to_lps = np.diag([1.0, -1.0, 1.0]) @ self.tilt.astype(np.float64)  # x to the left, y forwards, z upwards
        affine = np.eye(4)
        affine[:3, :3], affine[:3, 3] = to_lps @ steps, to_lps @ corner
        return affine

    def to_head(self, points: Points) -> Points:
        """Scanner coordinates -> head coordinates."""
        return np.asarray(self.rotation @ (points - self.shift))

    def position_of(self, points: Points) -> Field:
        """Position of head coordinates (3, N) along the slice direction, mm."""
        normal = self.tilt @ column(_AXES[self.plane][2])
        return np.asarray((normal * (self.rotation.T @ points + self.shift)).sum(axis=0))

    def expose(self, ideal: Field, points: Points, rng: np.random.Generator, white: int = 255) -> Floats32:
        """Ideal signal -> image with bias field, blur, noise and gamma, in whole gray values.

        Args:
            ideal: (size, size) signal intensity.
            points: scanner coordinates of the slice, (3, size * size).
            rng: for the noise, which is Rician: the magnitude of a complex signal (Gudbjartsson 1995).
            white: the highest gray value.
        """
        signal = ideal * np.exp(self.shading @ _polynomial(points)).reshape(ideal.shape)
        signal = _blur(signal)
        real, imaginary = rng.standard_normal((2, *signal.shape), dtype=np.float32) * np.float32(self.noise)
        magnitude = np.hypot(signal + real, imaginary)
        gray = np.clip(np.rint(magnitude**self.gamma * np.float32(self.gain * (white / 255))), 0, white)
        return np.asarray(gray, dtype=np.float32)


def _polynomial(points: Points) -> Points:
    """The nine terms of a quadratic without its constant, (9, N), about -1 to 1 over the head."""
    x, y, z = points / np.float32(110)
    return np.stack([x, y, z, x * x, y * y, z * z, x * y, x * z, y * z])


def rotation(angles: npt.ArrayLike) -> Floats32:
    """Rotation about x, y and z, one after the other, by angles in radians."""
    matrix = np.eye(3)
    for axis, angle in enumerate(np.asarray(angles, dtype=np.float64)):
        turn, (i, j) = np.eye(3), [k for k in range(3) if k != axis]
        turn[[i, i, j, j], [i, j, i, j]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        matrix = turn @ matrix
    return matrix.astype(np.float32)


def _blur(image: Field) -> Field:
    """The point spread function of the scanner, [1 4 1] / 6 along both axes."""
    for _ in range(2):
        padded = np.pad(image, ((1, 1), (0, 0)), mode="edge")
        image = np.asarray((padded[:-2] + 4 * padded[1:-1] + padded[2:]).T / 6, dtype=np.float32)
    return image
