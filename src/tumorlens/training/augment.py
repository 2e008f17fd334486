"""Random changes of training pictures, from torchvision; a mask rides along as a tv_tensor."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as F

from tumorlens.training.recipe import Augment


def augmentation(settings: Augment) -> v2.Transform:
    """The transform of a recipe: (1, S, S) uint8 -> (1, S, S) uint8, drawn from torch's global generator.

    A `tv_tensors.Mask` given behind the picture is moved as the picture is, with the nearest pixel's value, and
    neither changes what is drawn for the picture nor its grey values.
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
    if settings.blur:
        steps.append(RandomBlur(settings.blur))
    if settings.noise:
        steps.append(RandomNoise(settings.noise))
    return v2.Compose(steps) if steps else v2.Identity()


class _Scalar(v2.Transform):  # type: ignore[misc]
    """A transform with one number, drawn evenly between two bounds."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self.low, self.high = low, high

    def make_params(self, flat_inputs: list[Any]) -> dict[str, float]:
        return {"value": self.low + (self.high - self.low) * float(torch.rand(()))}


class RandomGamma(_Scalar):
    """Grey values to the power of a random gamma."""

    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        """Change the picture."""
        out: Tensor = self._call_kernel(F.adjust_gamma, inpt, gamma=params["value"])
        return out


class RandomBlur(_Scalar):
    """Gaussian blur of a random width, up to the bound in pixels."""

    def __init__(self, high: float) -> None:
        super().__init__(0.05, max(high, 0.05))

    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        """Change the picture."""
        side = 2 * math.ceil(2 * self.high) + 1
        out: Tensor = self._call_kernel(F.gaussian_blur, inpt, kernel_size=[side, side], sigma=[params["value"]] * 2)
        return out


class RandomNoise(_Scalar):
    """Gaussian noise of a random strength, up to the bound."""

    def __init__(self, high: float) -> None:
        super().__init__(0.0, high)

    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        """Change a picture; anything else (a mask) passes untouched."""
        if inpt.dtype != torch.uint8 or not F.is_pure_tensor(inpt):
            return inpt
        noisy = inpt.float() + torch.randn(inpt.shape) * (255 * params["value"])
        return noisy.round().clamp(0, 255).to(torch.uint8)
