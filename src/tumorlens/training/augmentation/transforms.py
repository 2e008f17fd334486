"""Recipe -> transforms of training images, from torchvision; masks are transformed as tv_tensors."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as F

from tumorlens.scan.artifacts import BIAS_FIELD_SHAPE, add_ghosts, apply_bias_field, bias_field, to_gray
from tumorlens.training.recipe import Augment

_GHOST_SHIFT = (0.2, 0.45)  # of the side
_MAP_POINTS = 4  # parts of a map of gray values
_MIN_BLUR = 0.05  # pixels; a kernel of width 0 does not exist


def augmentation(settings: Augment) -> v2.Transform:
    """The transform of a recipe: (1, S, S) uint8 -> (1, S, S) uint8, random by torch's global generator.

    A `tv_tensors.Mask` after the image gets the same geometric transforms with nearest-neighbor interpolation. It
    changes neither the random numbers for the image nor its gray values.
    """
    steps: list[Any] = []
    if settings.hflip:
        steps.append(v2.RandomHorizontalFlip(settings.hflip))
    if settings.vflip:
        steps.append(v2.RandomVerticalFlip(settings.vflip))
    if settings.rotate or settings.shift or settings.scale != (1.0, 1.0):
        steps.append(
            v2.RandomAffine(
                settings.rotate,
                translate=(settings.shift, settings.shift),
                scale=settings.scale,
                interpolation=InterpolationMode.BILINEAR,
            )
        )
    if settings.brightness or settings.contrast:
        steps.append(v2.ColorJitter(brightness=settings.brightness, contrast=settings.contrast))
    if settings.gamma != (1.0, 1.0):
        steps.append(RandomGamma(*settings.gamma))
    if settings.histogram_shift:
        steps.append(_sometimes(RandomHistogramShift(), settings.histogram_shift))
    steps += [_sometimes(step, settings.artifacts) for step in _artifacts(settings)]
    return v2.Compose(steps) if steps else v2.Identity()


def _artifacts(settings: Augment) -> list[v2.Transform]:
    """MRI and handling artifacts, in the order in which they occur."""
    return [
        transform(bound)
        for transform, bound in (
            (RandomBiasField, settings.bias_field),
            (RandomGhost, settings.ghost),
            (random_blur, settings.blur),
            (RandomResolution, settings.downsample),
            (RandomNoise, settings.noise),
            (random_jpeg, settings.jpeg),
        )
        if bound
    ]


def _sometimes(step: v2.Transform, probability: float) -> v2.Transform:
    """The transform with some probability; with probability 1, no random number is used for the decision."""
    return step if probability == 1 else v2.RandomApply([step], probability)


class _Scalar(v2.Transform):  # type: ignore[misc]
    """A transform with one number, uniform between two bounds."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self.low, self.high = low, high

    def make_params(self, flat_inputs: list[Any]) -> dict[str, float]:
        return {"value": self.low + (self.high - self.low) * float(torch.rand(()))}


class RandomGamma(_Scalar):
    """Gray values to the power of a random gamma."""

    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        """Transform the image."""
        out: Tensor = self._call_kernel(F.adjust_gamma, inpt, gamma=params["value"])
        return out


class RandomHistogramShift(v2.Transform):  # type: ignore[misc]
    """A random map of gray values that keeps their order; 0 and 255 stay.

    Straight between a few points, whose distances along both axes are random (nonlinear intensity transformation; Zhou
    et al. 2021, Models Genesis, Medical Image Analysis 67:101840, there with Bezier curves). It changes how bright
    tissues and contrast agent are relative to each other, which differs between sequences, doses and scanners. All
    slopes are between 1/3 and 3: RandHistogramShift of MONAI is nearly flat somewhere in one of five maps, where a
    tumor could lose its contrast and keep its label.
    """

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Tensor]:
        """The map as 256 gray values."""
        along, across = (_steps(torch.rand(_MAP_POINTS)) for _ in range(2))
        return {"map": torch.from_numpy(np.interp(np.arange(256), 255 * along, 255 * across)).round().to(torch.uint8)}

    def transform(self, inpt: Tensor, params: dict[str, Tensor]) -> Tensor:
        """Transform an image; masks are not changed."""
        if inpt.dtype != torch.uint8 or not F.is_pure_tensor(inpt):
            return inpt
        out: Tensor = params["map"][inpt.long()]
        return out


def _steps(parts: Tensor) -> Any:
    """Numbers from 0 to 1, ascending, with distances in proportion to 1/2 plus each part."""
    ends = np.cumsum(0.5 + parts.double().numpy())
    return np.concatenate([[0.0], ends / ends[-1]])


def random_blur(high: float) -> v2.Transform:
    """Gaussian blur of a random width, up to the bound in pixels."""
    high = max(high, _MIN_BLUR)
    return v2.GaussianBlur(2 * math.ceil(2 * high) + 1, (_MIN_BLUR, high))


def random_jpeg(low: float) -> v2.Transform:
    """JPEG compression with a random quality, not below the bound."""
    return v2.JPEG((int(low), 100))


class _Gray(_Scalar, ABC):
    """A transform of images only; masks are not changed."""

    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        """Transform an image."""
        if inpt.dtype != torch.uint8 or not F.is_pure_tensor(inpt):
            return inpt
        return self.change(inpt, params["value"])

    @abstractmethod
    def change(self, image: Tensor, value: float) -> Tensor:
        """(1, S, S) uint8 -> the same, transformed with this strength."""


class RandomNoise(_Gray):
    """Gaussian noise with a random standard deviation up to the bound."""

    def __init__(self, high: float) -> None:
        super().__init__(0.0, high)

    def change(self, image: Tensor, value: float) -> Tensor:
        """Add noise."""
        noisy: Tensor = F.gaussian_noise(image / 255, sigma=value)  # of bytes it would round all noise towards zero
        return (255 * noisy).round().to(torch.uint8)


class RandomBiasField(_Gray):
    """A bias field of random shape, with a range up to the bound."""

    def __init__(self, high: float) -> None:
        super().__init__(0.0, high)

    def change(self, image: Tensor, value: float) -> Tensor:
        """Multiply by a bias field."""
        pixels = image[0].numpy().astype(np.float32)
        field = bias_field(pixels.shape, torch.randn(BIAS_FIELD_SHAPE).numpy(), value)
        return torch.from_numpy(to_gray(apply_bias_field(pixels, field)))[None]


class RandomGhost(_Gray):
    """Two ghosts, above and below or left and right, with an intensity up to the bound."""

    def __init__(self, high: float) -> None:
        super().__init__(0.0, high)

    def change(self, image: Tensor, value: float) -> Tensor:
        """Add ghosts."""
        low, high = _GHOST_SHIFT
        shift, axis = low + (high - low) * float(torch.rand(())), int(torch.randint(2, ()))
        return torch.from_numpy(to_gray(add_ghosts(image[0].numpy().astype(np.float32), shift, value, axis)))[None]


class RandomResolution(_Gray):
    """Downsampled to a random share of its sides, not below the bound, and upsampled again."""

    def __init__(self, low: float) -> None:
        super().__init__(low, 1.0)

    def change(self, image: Tensor, value: float) -> Tensor:
        """Downsample and upsample."""
        size = list(image.shape[-2:])
        small = F.resize(image, [max(1, round(value * side)) for side in size], antialias=True)
        out: Tensor = F.resize(small, size, antialias=True)
        return out
