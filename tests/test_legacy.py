"""Cards and graphs of models from before `schema_version` are read in today's words."""

from __future__ import annotations

from typing import Any

import pytest

from tumorlens._legacy import graph_names, is_legacy, tensor_name, translate


def old_card(**changed: Any) -> dict[str, Any]:
    return {
        "format": 1,
        "canvas": {"size": 96, "fit": "pad", "around": "head"},
        "figures": {"accuracy": {"value": 0.9}},
        "confusion": [[1, 0], [0, 1]],
        "cautions": ["Few patients."],
        "sensitivity": ["Outside.", "Head.", "Tumor.", "Robust.", "Blur hurts."],
        "training": {
            "settings": {
                "input": {"size": 96, "fit": "crop", "around": "none"},
                "loss": {"dice_over": "picture", "guide": 1.0},
            }
        },
    } | changed


def test_a_card_without_a_schema_version_is_from_before() -> None:
    assert is_legacy(old_card())
    assert not is_legacy({"schema_version": 1})


def test_keys_get_the_names_of_today_wherever_they_stand() -> None:
    today = translate(
        old_card(outside={"reach": 1.05}, training={"part": "train", "grow": [{"artefacts": {"lower": 1}}]})
    )
    assert today["schema_version"] == 1
    assert today["metrics"] == {"accuracy": {"value": 0.9}}
    assert today["confusion_matrix"] == [[1, 0], [0, 1]]
    assert today["caveats"] == ["Few patients."]
    assert today["ood"] == {"threshold_scale": 1.05}
    assert today["training"] == {"subset": "train", "progressive_resizing": [{"artifacts": {"downsample": 1}}]}
    assert not {"format", "figures", "confusion", "cautions", "outside", "sensitivity"} & set(today)


def test_the_sentences_of_both_analyses_are_told_apart() -> None:
    assert translate(old_card())["analyses"] == {
        "region_occlusion": ["Outside.", "Head.", "Tumor."],
        "robustness": ["Robust.", "Blur hurts."],
    }
    assert translate(old_card(sensitivity=["Outside."]))["analyses"] == {"region_occlusion": ["Outside."]}
    assert translate(old_card(sensitivity=[]))["analyses"] == {}


@pytest.mark.parametrize(("fit", "mode"), [("pad", "letterbox"), ("stretch", "resize"), ("crop", "center_crop")])
@pytest.mark.parametrize(("around", "crop"), [("head", "head"), ("none", "none")])
def test_the_input_geometry_has_its_mode_and_its_crop(fit: str, mode: str, around: str, crop: str) -> None:
    geometry = translate(old_card(canvas={"size": 64, "fit": fit, "around": around}))["input_geometry"]
    assert geometry == {"size": 64, "mode": mode, "crop": crop}


def test_an_input_geometry_without_fit_is_a_letterbox_of_the_whole_image() -> None:
    assert translate(old_card(canvas={"size": 64}))["input_geometry"] == {
        "size": 64,
        "mode": "letterbox",
        "crop": "none",
    }


def test_the_settings_of_training_are_those_of_a_recipe() -> None:
    settings = translate(old_card())["training"]["settings"]
    assert settings["input"] == {"size": 96, "mode": "center_crop", "crop": "none"}
    assert settings["loss"] == {"dice_over": "image", "cam_guidance": 1.0}
    batch = translate(old_card(training={"settings": {"loss": {"dice_over": "batch"}}}))["training"]["settings"]
    assert batch == {"loss": {"dice_over": "batch"}}


def test_the_card_that_is_given_does_not_change() -> None:
    card = old_card()
    translate(card)
    assert card == old_card()


def test_an_output_of_a_graph_is_found_by_its_name_of_today() -> None:
    assert graph_names(["probabilities", "outside"]) == {"probabilities": "probabilities", "ood_score": "outside"}
    assert graph_names(["cam", "ood_score"]) == {"cam": "cam", "ood_score": "ood_score"}


def test_a_weight_of_the_segmentation_head_has_its_name_of_today() -> None:
    assert tensor_name("decoder.draw.weight") == "decoder.segmentation_head.weight"
    assert tensor_name("head.weight") == "head.weight"
