"""Claims are stored as printed by the authors, with the interval for their number of images."""

from __future__ import annotations

from tests.fixtures.refusal import assert_refused
from tumorlens.errors import DataError, RecipeError
from tumorlens.experiments.reproduction.protocol_result import format_claim
from tumorlens.experiments.reproduction.published_methods import PUBLISHED_METHODS, find_published_method
from tumorlens.models import registered_names


def claims(number: int, model: str | None = None, *overrides: str) -> dict[str, float]:
    method = find_published_method(number)
    return {claim.metric: claim.value for claim in method.claims_for(method.recipe(model, overrides))}


def test_a_published_method_is_found_by_number_and_by_name() -> None:
    assert (
        find_published_method(4)
        is find_published_method("4")
        is find_published_method("brainmrnet")
        is find_published_method("BrainMRNet")
    )
    assert find_published_method("efficient-mtnet").number == 2
    with assert_refused(DataError, advice="did you mean brainmrnet"):
        find_published_method("brainmrn")
    with assert_refused(DataError, expected="1 to 5"):
        find_published_method(6)


def test_every_network_of_every_method_has_a_recipe() -> None:
    for method in PUBLISHED_METHODS:
        for model in method.models:
            assert method.recipe(model, ()).model == model
            assert model in registered_names()


def test_an_unknown_network_is_an_error_with_the_nearest_name() -> None:
    with assert_refused(RecipeError, advice="did you mean vgg16"):
        find_published_method(4).recipe("vgg", ())


def test_the_wilson_interval_of_88_percent_of_50_images_is_76_to_94() -> None:
    accuracy = next(claim.estimate for claim in find_published_method(4).claims if claim.model == "brainmrnet")
    assert accuracy.percent() == "88.0 % (76.2 to 94.4)"
    assert accuracy.n == 50


def test_only_a_proportion_of_images_has_an_interval() -> None:
    estimates = {claim.metric: claim.estimate for claim in find_published_method(2).claims}
    assert estimates["accuracy"].method == "wilson"
    assert estimates["dice"].low is None


def test_claims_keep_the_decimals_of_their_authors() -> None:
    estimates = {claim.metric: claim.estimate for claim in find_published_method(2).claims}
    assert format_claim("accuracy", estimates["accuracy"]) == "99.07 % (96.67 to 99.74)"
    assert format_claim("dice", estimates["dice"]) == "0.8481 (no interval)"
    assert format_claim("accuracy", None) == "none"


def test_the_claim_is_that_of_the_trained_network() -> None:
    assert claims(4) == {"accuracy": 0.880, "macro_auroc": 0.917}
    assert claims(4, "densenet121") == {"accuracy": 0.940, "macro_auroc": 0.983}
    assert claims(5) == {"accuracy": 0.9884}
    assert claims(5, None, "loss.label_smoothing=0.1") == {"accuracy": 0.9855}
    assert claims(5, None, "options.cbam=true") == {"accuracy": 0.9864}
    assert claims(5, "efficientnet_b2") == {"accuracy": 0.9874}
    assert claims(1) == {}


def test_a_network_without_a_claim_is_compared_with_the_most_similar_one() -> None:
    assert claims(5, "efficientnet_lite0") == {"accuracy": 0.9874}
    assert claims(4, None, "model=mini_resnet") == claims(4)
