"""An image -> the same, as it would be had it been placed, copied or saved otherwise after it was acquired."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from tumorlens.scan import GrayImage, Mask
from tumorlens.scan.artifacts import to_gray
from tumorlens.scan.foreground import background_level

Random = np.random.Generator

_LENGTH = 256  # pixels of the longer side that a blur is given for


def blur(gray: GrayImage, sigma: float, _: Random) -> GrayImage:
    """Gaussian blur.

    That of MONAI takes what lies outside of the image for black, and so darkens the frame of one with a bright
    background.

    Args:
        gray: (H, W).
        sigma: in pixels of an image 256 pixels long; larger images are blurred as much more.
    """
    from scipy import ndimage

    return to_gray(ndimage.gaussian_filter(gray.astype(np.float32), sigma * max(gray.shape) / _LENGTH, mode="nearest"))


def gamma(gray: GrayImage, exponent: float, _: Random) -> GrayImage:
    """Another window: gray values to a power, between the darkest and the brightest."""
    low, high = int(gray.min()), int(gray.max())
    levels = np.clip((np.arange(256) - low) / max(1, high - low), 0, 1) ** exponent * (high - low) + low
    return to_gray(levels)[gray]


def jpeg(gray: GrayImage, quality: float, _: Random) -> GrayImage:
    """Saved as JPEG and read again."""
    file = io.BytesIO()
    Image.fromarray(gray).save(file, "JPEG", quality=round(quality))
    return np.asarray(Image.open(file))


def lower(gray: GrayImage, share: float, _: Random) -> GrayImage:
    """Made smaller, to a share of its sides, and enlarged again."""
    height, width = gray.shape
    image = Image.fromarray(gray)
    small = image.resize((max(1, round(share * width)), max(1, round(share * height))), Image.Resampling.BILINEAR)
    return np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))


def rotate(gray: GrayImage, degrees: float, random: Random) -> GrayImage:
    """Turned around its middle, to the left or to the right; what comes into view has the gray of the background."""
    turned = Image.fromarray(gray).rotate(
        _side(random) * degrees, Image.Resampling.BILINEAR, fillcolor=background_level(gray)
    )
    return np.asarray(turned)


def rotate_mask(mask: Mask, degrees: float, random: Random) -> Mask:
    """The mask of an image that `rotate` turned with as fresh a generator."""
    return np.asarray(Image.fromarray(mask).rotate(_side(random) * degrees, Image.Resampling.NEAREST))


def flip(gray: GrayImage, _: float, __: Random) -> GrayImage:
    """Left and right exchanged, as a file without orientation may have it."""
    return np.ascontiguousarray(gray[:, ::-1])


def _side(random: Random) -> int:
    return 1 if random.random() < 0.5 else -1
