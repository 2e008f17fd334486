"""A picture -> the same, as it would be had it been placed, copied or saved otherwise after it was acquired."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from tumorlens._extras import require
from tumorlens.scan import GreyImage, Mask
from tumorlens.scan.artifacts import to_grey
from tumorlens.scan.foreground import background_level

Random = np.random.Generator

_LENGTH = 256  # pixels of the longer side that a blur is given for


def blur(grey: GreyImage, sigma: float, _: Random) -> GreyImage:
    """Gaussian blur.

    That of MONAI takes what lies outside of the picture for black, and so darkens the frame of one with a bright
    background.

    Args:
        grey: (H, W).
        sigma: in pixels of a picture 256 pixels long; larger pictures are blurred as much more.
    """
    ndimage = require("scipy.ndimage", "train", "measure robustness")
    return to_grey(ndimage.gaussian_filter(grey.astype(np.float32), sigma * max(grey.shape) / _LENGTH, mode="nearest"))


def gamma(grey: GreyImage, exponent: float, _: Random) -> GreyImage:
    """Another window: grey values to a power, between the darkest and the brightest."""
    low, high = int(grey.min()), int(grey.max())
    levels = np.clip((np.arange(256) - low) / max(1, high - low), 0, 1) ** exponent * (high - low) + low
    return to_grey(levels)[grey]


def jpeg(grey: GreyImage, quality: float, _: Random) -> GreyImage:
    """Saved as JPEG and read again."""
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "JPEG", quality=round(quality))
    return np.asarray(Image.open(file))


def lower(grey: GreyImage, share: float, _: Random) -> GreyImage:
    """Made smaller, to a share of its sides, and enlarged again."""
    height, width = grey.shape
    picture = Image.fromarray(grey)
    small = picture.resize((max(1, round(share * width)), max(1, round(share * height))), Image.Resampling.BILINEAR)
    return np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))


def rotate(grey: GreyImage, degrees: float, random: Random) -> GreyImage:
    """Turned around its middle, to the left or to the right; what comes into view has the grey of the background."""
    turned = Image.fromarray(grey).rotate(
        _side(random) * degrees, Image.Resampling.BILINEAR, fillcolor=background_level(grey)
    )
    return np.asarray(turned)


def rotate_mask(mask: Mask, degrees: float, random: Random) -> Mask:
    """The mask of a picture that `rotate` turned with as fresh a generator."""
    return np.asarray(Image.fromarray(mask).rotate(_side(random) * degrees, Image.Resampling.NEAREST))


def flip(grey: GreyImage, _: float, __: Random) -> GreyImage:
    """Left and right exchanged, as a file without orientation may have it."""
    return np.ascontiguousarray(grey[:, ::-1])


def _side(random: Random) -> int:
    return 1 if random.random() < 0.5 else -1
