"""The claims stand as their authors print them, with the interval that so many images allow."""

from __future__ import annotations

import pytest

from tumorlens.errors import DataError, RecipeError
from tumorlens.experiments.reproduction.protocol_result import claimed as told_claim
from tumorlens.experiments.reproduction.published_methods import PUBLISHED_METHODS, find_published_method
from tumorlens.models import list_networks


def claimed(system: int, model: str | None = None, *overrides: str) -> dict[str, float]:
    found = find_published_method(system)
    return {claim.figure: claim.value for claim in found.claims_for(found.recipe(model, overrides))}


def test_a_system_is_found_by_number_and_by_name() -> None:
    assert (
        find_published_method(4)
        is find_published_method("4")
        is find_published_method("brainmrnet")
        is find_published_method("BrainMRNet")
    )
    assert find_published_method("efficient-mtnet").number == 2
    with pytest.raises(DataError, match="did you mean brainmrnet"):
        find_published_method("brainmrn")
    with pytest.raises(DataError, match="expected 1 to 5"):
        find_published_method(6)


def test_every_network_of_every_system_has_a_recipe() -> None:
    for system in PUBLISHED_METHODS:
        for model in system.models:
            assert system.recipe(model, ()).model == model
            assert model in list_networks()


def test_another_network_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(RecipeError, match="did you mean vgg16"):
        find_published_method(4).recipe("vgg", ())


def test_eighty_eight_percent_of_fifty_images_is_seventy_six_to_ninety_four() -> None:
    accuracy = next(claim.estimate for claim in find_published_method(4).claims if claim.of == "brainmrnet")
    assert accuracy.percent() == "88.0 % (76.2 to 94.4)"
    assert accuracy.n == 50


def test_only_a_share_of_images_gets_an_interval() -> None:
    figures = {claim.figure: claim.estimate for claim in find_published_method(2).claims}
    assert figures["accuracy"].method == "wilson"
    assert figures["dice"].low is None


def test_claims_keep_their_decimals() -> None:
    figures = {claim.figure: claim.estimate for claim in find_published_method(2).claims}
    assert told_claim("accuracy", figures["accuracy"]) == "99.07 % (96.67 to 99.74)"
    assert told_claim("dice", figures["dice"]) == "0.8481 (no interval)"
    assert told_claim("accuracy", None) == "none"


def test_the_claim_is_that_of_the_network_which_is_run() -> None:
    assert claimed(4) == {"accuracy": 0.880, "macro_auroc": 0.917}
    assert claimed(4, "densenet121") == {"accuracy": 0.940, "macro_auroc": 0.983}
    assert claimed(5) == {"accuracy": 0.9884}
    assert claimed(5, None, "loss.label_smoothing=0.1") == {"accuracy": 0.9855}
    assert claimed(5, None, "options.cbam=true") == {"accuracy": 0.9864}
    assert claimed(5, "efficientnet_b2") == {"accuracy": 0.9874}
    assert claimed(1) == {}


def test_a_network_without_a_claim_is_held_against_the_nearest() -> None:
    assert claimed(5, "efficientnet_lite0") == {"accuracy": 0.9874}
    assert claimed(4, None, "model=mini_resnet") == claimed(4)
