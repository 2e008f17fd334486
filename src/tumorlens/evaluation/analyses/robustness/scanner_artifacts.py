"""An image -> the same, as it would be had something gone wrong while it was acquired.

Rician noise and the spike are MONAI's. The unit of its bias field is coefficients, which say nothing to a person, and
ghosts and motion it has not; TorchIO has those for volumes, and brings SimpleITK (50 MB) along. So these three are made
from their definitions, two of them in `tumorlens.scan.artifacts`, which training shares.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PIL import Image

from tumorlens._arrays import Floats32
from tumorlens._extras import require
from tumorlens.scan import GrayImage
from tumorlens.scan.artifacts import BIAS_FIELD_SHAPE, add_ghosts, apply_bias_field, bias_field, to_gray

Random = np.random.Generator

_CYCLES = (12, 48)  # stripes across an image: fine enough for texture, coarse enough to pass a network's input
_GHOST_SHIFT = (0.2, 0.45)  # of the side: between an image and its ghost, so that both lie over the head in part
_JERKS = 3  # of the head in one acquisition
_NEAR = 0.01  # of all lines, from the middle of k-space: the nearest jerk, and its square root to 0.8 the farthest
_SHIFT = 0.005  # of the side for each degree, so that turns and shifts grow together


def brightest(gray: GrayImage) -> float:
    """The gray of the brightest tissue: the 99th percentile, above which lie vessels, fat and letters."""
    return max(1.0, float(np.percentile(gray, 99)))


def bias(gray: GrayImage, strength: float, random: Random) -> GrayImage:
    """Uneven sensitivity of the coils; see `bias_field`."""
    field = bias_field(_size(gray), random.standard_normal(BIAS_FIELD_SHAPE), strength)
    return to_gray(apply_bias_field(gray.astype(np.float32), field))


def rician(gray: GrayImage, sigma: float, random: Random) -> GrayImage:
    """Noise of a magnitude image (Gudbjartsson and Patz, Magn. Reson. Med. 34, 1995, 910).

    Args:
        gray: (H, W).
        sigma: standard deviation in either channel, as a share of `brightest`.
        random: of the noise.
    """
    noise = _monai("RandRicianNoise", prob=1.0, std=sigma * brightest(gray), sample_std=False)
    return _apply(noise.set_random_state(int(random.integers(2**31))), gray)


def ghosts(gray: GrayImage, strength: float, random: Random) -> GrayImage:
    """Two ghosts; see `add_ghosts`."""
    axis, shift = int(random.integers(2)), random.uniform(*_GHOST_SHIFT)
    return to_gray(add_ghosts(gray.astype(np.float32), shift, strength, axis))


def spike(gray: GrayImage, strength: float, random: Random) -> GrayImage:
    """Stripes over all of the image, from one wrong value in k-space.

    Args:
        gray: (H, W).
        strength: from the mean to the crest of the stripes, as a share of `brightest`.
        random: of their direction and width.
    """
    cycles, angle = random.uniform(*_CYCLES), random.uniform(0, math.pi)
    waves = (cycles * math.cos(angle), cycles * math.sin(angle))
    # MONAI centers k-space as numpy's fftshift does, and takes the logarithm of the value it puts there
    place = tuple(min(side - 1, max(0, side // 2 + round(wave))) for side, wave in zip(gray.shape, waves, strict=True))
    value = math.log(max(strength * brightest(gray) * gray.size, 1e-6))
    return _apply(_monai("KSpaceSpikeNoise", loc=place, k_intensity=value), gray)


def motion(gray: GrayImage, degrees: float, random: Random) -> GrayImage:
    """The head jerks three times while k-space is filled line by line, and so the image is put together of four.

    As in Shaw et al. (Magnetic resonance in imaging with deep learning, MIDL 2018) and Zaitsev et al. (J. Magn. Reson.
    Imaging 42, 2015, 887). Where the middle of k-space is acquired the head lies as it does in the image, so that
    anatomy stays where it is drawn.

    Args:
        gray: (H, W).
        degrees: the most the head is turned; for each degree it is also shifted by up to half a percent of the side.
        random: of the moments, directions and amounts, which are at least half of the most.
    """
    axis = int(random.integers(2))
    lines = np.fft.ifftshift(np.arange(gray.shape[axis]))  # in the order they are acquired
    beside = _NEAR ** random.uniform(0.4, 1, _JERKS) * random.choice([-1, 1], _JERKS)
    ends = np.sort(0.5 + beside) * len(lines)
    part = np.searchsorted(ends, lines)  # the position of the head at each line
    shape = [1, 1]
    shape[axis] = -1
    spectrum: Any = 0
    from scipy import fft

    for number in range(_JERKS + 1):
        amounts = random.uniform(0.5, 1, 3) * random.choice([-1, 1], 3)
        here = gray.astype(np.float32)
        if number != part[0]:  # the first of numpy's frequencies is 0, the middle of k-space
            here = _moved(here, degrees * amounts[0], degrees * _SHIFT * max(gray.shape) * amounts[1:])
        spectrum = spectrum + fft.fft(here, axis=axis) * (part == number).astype(np.float32).reshape(shape)
    return to_gray(np.abs(fft.ifft(spectrum, axis=axis)))


def _moved(values: Floats32, degrees: float, shift: Any) -> Floats32:
    """Turned around its middle and shifted."""
    image = Image.fromarray(values)
    translate: Any = tuple(float(pixels) for pixels in shift)  # parts of pixels, too, though Pillow's types say int
    return np.asarray(image.rotate(degrees, Image.Resampling.BILINEAR, translate=translate))


def _size(gray: GrayImage) -> tuple[int, int]:
    height, width = gray.shape
    return height, width


def _monai(name: str, **settings: Any) -> Any:
    """A transform of MONAI, which is imported only here: it takes seconds."""
    return getattr(require("monai.transforms", "train", "measure robustness"), name)(**settings)


def _apply(transform: Any, gray: GrayImage) -> GrayImage:
    return to_gray(np.asarray(transform(gray.astype(np.float32)[None]))[0])
