"""Random changes keep what a picture is, and zero means none."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision import tv_tensors

from tumorlens.training.augment import augmentation
from tumorlens.training.recipe import Augment

ALL = Augment(
    hflip=0.5,
    vflip=0.5,
    rotate=20,
    scale=(0.8, 1.2),
    shift=0.1,
    brightness=0.2,
    contrast=0.2,
    gamma=(0.7, 1.4),
    noise=0.05,
    blur=1.5,
)


@pytest.fixture
def picture() -> Tensor:
    return torch.randint(0, 256, (1, 48, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def _changed(picture: Tensor, settings: Augment, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    changed: Tensor = augmentation(settings)(picture)
    return changed


def test_zero_settings_change_nothing(picture: Tensor) -> None:
    assert torch.equal(_changed(picture, Augment()), picture)


@pytest.mark.parametrize("name", list(Augment.model_fields))
def test_each_setting_alone_changes_values_and_never_shape_or_type(name: str, picture: Tensor) -> None:
    value = 1.0 if name.endswith("flip") else getattr(ALL, name)
    changed = _changed(picture, Augment(**{name: value}))
    assert changed.shape == picture.shape
    assert changed.dtype == torch.uint8
    assert not torch.equal(changed, picture)


def test_the_same_seed_draws_the_same_change(picture: Tensor) -> None:
    assert torch.equal(_changed(picture, ALL, 3), _changed(picture, ALL, 3))
    assert not torch.equal(_changed(picture, ALL, 3), _changed(picture, ALL, 4))


def test_flips_are_flips(picture: Tensor) -> None:
    assert torch.equal(_changed(picture, Augment(hflip=1.0)), picture.flip(2))
    assert torch.equal(_changed(picture, Augment(vflip=1.0)), picture.flip(1))


def test_noise_is_as_strong_as_asked_at_most() -> None:
    grey = torch.full((1, 64, 64), 128, dtype=torch.uint8)
    spread = [float(_changed(grey, Augment(noise=0.1), seed).float().std()) / 255 for seed in range(20)]
    assert 0.06 < max(spread) < 0.105
    assert min(spread) < 0.05


def test_a_slight_blur_still_blurs(picture: Tensor) -> None:
    assert any(not torch.equal(_changed(picture, Augment(blur=0.5), seed), picture) for seed in range(5))


def test_a_mask_is_moved_as_its_picture_is_and_changes_nothing_else(picture: Tensor) -> None:
    bright = torch.zeros_like(picture)
    bright[:, 10:25, 16:37] = 255
    moves = ALL.model_copy(update={"brightness": 0.0, "contrast": 0.0, "gamma": (1.0, 1.0), "noise": 0.0, "blur": 0.0})
    for seed in range(8):
        torch.manual_seed(seed)
        moved, mask = augmentation(moves)(bright, tv_tensors.Mask(bright // 255))
        assert torch.equal(moved, _changed(bright, moves, seed))  # the same draw as without a mask
        assert set(mask.unique().tolist()) <= {0, 1}
        assert ((moved > 127) != (mask > 0)).float().mean() < 0.01  # but for the edge, between two pixels


def test_grey_values_change_and_the_mask_stays(picture: Tensor) -> None:
    greys = Augment(brightness=0.5, contrast=0.5, gamma=(0.5, 0.6), noise=0.2, blur=2.0)
    mask = tv_tensors.Mask(picture > 127)
    changed, kept = augmentation(greys)(picture, mask)
    assert not torch.equal(changed, picture)
    assert torch.equal(kept, mask)
