"""Transforms keep shape and type of an image, and zero disables them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor
from torchvision import tv_tensors

from tumorlens.training.augmentation.transforms import RandomNoise, augmentation
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
    bias_field=0.8,
    ghost=0.3,
    jpeg=20,
    downsample=0.3,
    histogram_shift=1.0,
)


@pytest.fixture
def image() -> Tensor:
    return torch.randint(0, 256, (1, 48, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def _transformed(image: Tensor, settings: Augment, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    changed: Tensor = augmentation(settings)(image)
    return changed


def test_zero_settings_change_nothing(image: Tensor) -> None:
    assert torch.equal(_transformed(image, Augment()), image)


# Those that also change the mask or the class have tests of their own. `artifacts` does nothing alone.
@pytest.mark.parametrize(
    "name",
    sorted({*Augment.model_fields} - {"lesion_inpainting", "lesion_copy_paste", "skull_stripping", "artifacts"}),
)
def test_each_setting_changes_values_but_not_shape_and_type(name: str, image: Tensor) -> None:
    value = 1.0 if name.endswith("flip") else getattr(ALL, name)
    changed = _transformed(image, Augment(**{name: value}))
    assert changed.shape == image.shape
    assert changed.dtype == torch.uint8
    assert not torch.equal(changed, image)


def test_the_same_seed_gives_the_same_transform(image: Tensor) -> None:
    assert torch.equal(_transformed(image, ALL, 3), _transformed(image, ALL, 3))
    assert not torch.equal(_transformed(image, ALL, 3), _transformed(image, ALL, 4))


def test_flips_are_flips(image: Tensor) -> None:
    assert torch.equal(_transformed(image, Augment(hflip=1.0)), image.flip(2))
    assert torch.equal(_transformed(image, Augment(vflip=1.0)), image.flip(1))


def test_noise_is_at_most_as_strong_as_the_bound() -> None:
    gray = torch.full((1, 64, 64), 128, dtype=torch.uint8)
    deviations = [float(_transformed(gray, Augment(noise=0.1), seed).float().std()) / 255 for seed in range(20)]
    assert 0.06 < max(deviations) < 0.105
    assert min(deviations) < 0.05


def test_weak_noise_is_not_rounded_away() -> None:
    gray = torch.full((1, 200, 200), 128, dtype=torch.uint8)
    torch.manual_seed(0)
    weak = RandomNoise(1.0).change(gray, 0.5 / 255).float()
    assert float(weak.std()) == pytest.approx((0.5**2 + 1 / 12) ** 0.5, abs=0.02)  # and that of rounding
    assert float(weak.mean()) == pytest.approx(128, abs=0.02)


def test_noise_and_blur_are_uniform_up_to_the_bound_and_follow_their_formulas(image: Tensor) -> None:
    for seed in range(10):
        torch.manual_seed(seed)
        sigma = 0.1 * float(torch.rand(()))
        expected = (image.float() + torch.randn(image.shape) * (255 * sigma)).round().clamp(0, 255)
        assert (_transformed(image, Augment(noise=0.1), seed) - expected).abs().max() <= 1
        torch.manual_seed(seed)
        width = 0.05 + 1.95 * float(torch.rand(()))
        blurred = ndimage.gaussian_filter(image[0].double().numpy(), width, radius=4, mode="mirror")
        assert np.abs(_transformed(image, Augment(blur=2.0), seed)[0].numpy() - blurred).max() < 1


def test_qualities_of_jpeg_are_uniform_from_the_bound_to_100() -> None:
    torch.manual_seed(0)
    transform = augmentation(Augment(jpeg=21)).transforms[0]
    drawn = np.array([transform.make_params([])["quality"] for _ in range(8000)])
    assert (drawn.min(), drawn.max()) == (21, 100)
    assert np.abs(np.histogram(drawn, 8, (20.5, 100.5))[0] - 1000).max() < 100  # three standard deviations


def test_a_small_blur_has_an_effect(image: Tensor) -> None:
    assert any(not torch.equal(_transformed(image, Augment(blur=0.5), seed), image) for seed in range(5))


def test_a_mask_gets_the_geometric_transforms_of_its_image_and_changes_nothing_else(image: Tensor) -> None:
    bright = torch.zeros_like(image)
    bright[:, 10:25, 16:37] = 255
    kinds = ("hflip", "vflip", "rotate", "scale", "shift")
    geometric = Augment(**{kind: getattr(ALL, kind) for kind in kinds})
    for seed in range(8):
        torch.manual_seed(seed)
        moved, mask = augmentation(geometric)(bright, tv_tensors.Mask(bright // 255))
        assert torch.equal(moved, _transformed(bright, geometric, seed))  # the same random numbers as without a mask
        assert set(mask.unique().tolist()) <= {0, 1}
        assert ((moved > 127) != (mask > 0)).float().mean() < 0.01  # except at the edge, between two pixels


def test_gray_value_transforms_do_not_change_the_mask(image: Tensor) -> None:
    disabled = {"hflip": 0.0, "vflip": 0.0, "rotate": 0.0, "scale": (1.0, 1.0), "shift": 0.0}
    grays = ALL.model_copy(update=disabled)
    mask = tv_tensors.Mask(image > 127)
    changed, kept = augmentation(grays)(image, mask)
    assert not torch.equal(changed, image)
    assert torch.equal(kept, mask)


def test_a_bias_field_is_smooth_and_at_most_as_strong_as_the_bound() -> None:
    gray = torch.full((1, 64, 64), 200, dtype=torch.uint8)
    middle = [_transformed(gray, Augment(bias_field=0.8), seed)[0, 10:-10, 10:-10].float() for seed in range(20)]
    ratios = [float(center.max() / center.min()) for center in middle]
    assert 1.3 < max(ratios) <= 1.4 / 0.6 + 0.05
    assert min(ratios) < 1.2
    assert max(float(center.diff(dim=1).abs().max()) for center in middle) < 12  # no edges


def test_ghosts_are_beside_the_image_and_at_most_as_bright_as_the_bound() -> None:
    gray = torch.zeros((1, 60, 60), dtype=torch.uint8)
    gray[0, 28:32, 28:32] = 200
    for seed in range(10):
        changed = _transformed(gray, Augment(ghost=0.5), seed).clone()
        assert torch.equal(changed[0, 28:32, 28:32], gray[0, 28:32, 28:32])
        changed[0, 28:32, 28:32] = 0
        assert int((changed > 0).sum()) in (0, 32)
        assert int(changed.max()) <= 100


def test_downsampling_and_jpeg_lose_detail_and_keep_the_brightness(image: Tensor) -> None:
    def detail(pixels: Tensor) -> float:
        return float(pixels.float().diff(dim=2).abs().mean())

    for seed in range(5):
        coarse = _transformed(image, Augment(downsample=0.4), seed)
        assert detail(coarse) < detail(image)
        assert abs(float(coarse.float().mean() - image.float().mean())) < 3
        compressed = _transformed(image, Augment(jpeg=10), seed)
        assert abs(float(compressed.float().mean() - image.float().mean())) < 3
    assert torch.equal(_transformed(image, Augment(downsample=1.0)), image)


def test_artifacts_affect_a_share_of_the_images(image: Tensor) -> None:
    some = Augment(noise=0.5, artifacts=0.25)
    changed = [not torch.equal(_transformed(image, some, seed), image) for seed in range(200)]
    assert 0.15 < sum(changed) / len(changed) < 0.35
    assert all(not torch.equal(_transformed(image, Augment(noise=0.5), seed), image) for seed in range(1, 20))


def test_a_histogram_shift_keeps_the_order_of_gray_values_and_both_ends() -> None:
    ramp = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16)
    maps = [_transformed(ramp, Augment(histogram_shift=1.0), seed).flatten().int() for seed in range(20)]
    for changed in maps:
        assert (changed.diff() >= 0).all()
        assert (changed[0], changed[-1]) == (0, 255)
        assert changed.diff().max() <= 4  # no step between two tissues is torn apart
    middle = torch.stack(maps)[:, 128].float()
    assert middle.std() > 8  # of 255: the maps differ
    assert abs(middle.mean() - 128) < 20  # neither brighter nor darker on average


def test_a_histogram_shift_leaves_masks_as_they_are() -> None:
    mask = tv_tensors.Mask(torch.ones(1, 16, 16, dtype=torch.uint8))
    ramp = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16)
    torch.manual_seed(0)
    assert torch.equal(augmentation(Augment(histogram_shift=1.0))(ramp, mask)[1], mask)
