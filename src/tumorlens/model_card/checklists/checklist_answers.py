"""card -> what it says to an item, a line each. Nothing is added to what the card holds."""

from __future__ import annotations

from collections.abc import Iterator

from tumorlens.model_card import phrases as words
from tumorlens.model_card.card import ModelCard


def kind(card: ModelCard) -> Iterator[str]:
    """What sort of model it is."""
    yield f"Deep learning: the neural network {card.model} names {', '.join(card.classes)} in slices of the head"


def use(card: ModelCard) -> Iterator[str]:
    """What it is for and what not."""
    yield card.intended_use


def sources(card: ModelCard) -> Iterator[str]:
    """Whose images."""
    yield from (f"{name}: {said}" for name, said in words.datasets(card))


def images(card: ModelCard) -> Iterator[str]:
    """What is known of how they were taken."""
    for known in card.training.get("datasets", ()):
        if "summary" in known:
            yield f"{known['name']}: {known['summary']}"


def labels(card: ModelCard) -> Iterator[str]:
    """What is taken for the truth."""
    yield f"Each image has one label, as its data set gives it: {', '.join(card.classes)}"
    if card.segments:
        yield "The outline of the tumor is the mask that the data set gives"


def one_slice(card: ModelCard) -> Iterator[str]:
    """What the model is given."""
    yield "The gray values of one slice; the file takes no other input"
    yield f"Laid out: {words.input_geometry(card)}"


def preparation(card: ModelCard) -> Iterator[str]:
    """How an image becomes input."""
    yield f"Laid out: {words.input_geometry(card)}"
    if gray := words.intensities(card):
        yield f"Intensities: {gray}"
    yield "This is part of the exported file, and the same in training, evaluation and use"


def division(card: ModelCard) -> Iterator[str]:
    """How images came into parts."""
    if not (divided := words.split(card)):
        return
    yield f"Split {divided}"
    yield from counts(card)
    yield f"SHA-256 of the split: {card.training['split_hash']}"


def counts(card: ModelCard) -> Iterator[str]:
    """How much is in each part, of each class where that is known."""
    yield from (f"{part}: {count}" for part, count in words.parts(card))


def outcomes(card: ModelCard) -> Iterator[str]:
    """As `counts`, where those of each class are known."""
    if "classes" in card.training:
        yield from counts(card)


def level(card: ModelCard) -> Iterator[str]:
    """Where parts are disjoint."""
    plan = card.training.get("split")
    if plan:
        yield {
            "patient": "No patient who is known is in two parts",
            "image": "No image is in two parts; no patient is known, so whether patients are is unknown",
        }.get(plan["by"], "No image is in two parts, but patients are: known patients were torn apart on request")
    for known in card.training.get("datasets", ()):
        if not known["used"]["patients"]:
            yield f"{known['name']}: no patient is known; an image with its copies counts as one"
    for leak in card.training.get("leaks") or ():
        yield f"{leak['part']}: {leak['images']} of {leak['of']} images are known from train, by {leak['by']}"
    if card.training.get("leaks") == []:
        yield "A search for copies before training found none of validation or test in train"


def test_size(card: ModelCard) -> Iterator[str]:
    """How much it was tested on."""
    if card.tested_on:
        yield f"Measured on {_tested(card)}"


def network(card: ModelCard) -> Iterator[str]:
    """What it is made of."""
    known = card.training.get("network", {})
    yield f"{card.model}, {card.parameters:,} parameters" + (f": {known['summary']}" if known else "")
    if chosen := words.options(card):
        yield f"Options: {chosen}"
    yield f"Input: {words.input_geometry(card)}"
    if gray := words.intensities(card):
        yield f"Intensities: {gray}"
    yield f"Output: {words.outputs(card)}"
    if known:
        yield f"Described in: {known['citation']}"


def software(card: ModelCard) -> Iterator[str]:
    """What it was made with."""
    yield ", ".join(f"{name} {version}" for name, version in card.versions.items())


def first_weights(card: ModelCard) -> Iterator[str]:
    """Where training began."""
    if origin := card.training.get("pretrained"):
        seed = f"at random, seed {card.training['seed']}"
        pretrained = f"{origin}; the classifier, and what these weights lack, {seed}"
        yield f"All {seed}" if origin == "none" else pretrained


def recipe(card: ModelCard) -> Iterator[str]:
    """How it was trained; nothing where only the recipe's name is known."""
    groups = dict(words.settings(card))
    if groups:
        known = card.training
        yield f"recipe {known['recipe']} of tumorlens, whose keys these are, seed {known['seed']}, on {known['device']}"
        yield from (f"{group}: {said}" for group, said in groups.items())


def final(card: ModelCard) -> Iterator[str]:
    """Which epoch was kept."""
    if kept := words.epoch(card):
        yield kept[0].upper() + kept[1:]


def one_network(card: ModelCard) -> Iterator[str]:
    """Whether several networks vote."""
    yield f"None: the file holds one network, {card.model}"


def balance(card: ModelCard) -> Iterator[str]:
    """Whether classes were weighted."""
    loss = card.training.get("settings", {}).get("loss")
    if loss:
        balanced = loss["class_weights"] == "balanced"
        yield (
            "Each class weighs in the loss by the inverse of its share" if balanced else "None: all classes weigh alike"
        )


def metrics(card: ModelCard) -> Iterator[str]:
    """What was measured."""
    if card.metrics:
        yield f"Overall: {', '.join(words.TITLES.get(name, name) for name in card.metrics)}"
    names = dict.fromkeys(name for found in card.per_class.values() for name in found)
    if names:
        yield f"Of each class: {', '.join(words.TITLES.get(name, name) for name in names)}; and the confusion matrix"


def uncertainty(card: ModelCard) -> Iterator[str]:
    """How sure the figures are."""
    found = [words.estimate(one) for one in card.metrics.values()]
    if not found:
        return
    yield card.tested_on.partition("; ")[2]
    yield f"What is resampled as one: {' or '.join(sorted({one.unit for one in found}))}"
    if any(one.method == "wilson" for one in found):
        yield "Wilson's interval where a share is 0 or 1"


def sensitivity(card: ModelCard) -> Iterator[str]:
    """What becomes of answers when images change."""
    for conclusions in card.analyses.values():
        yield from conclusions


def outside(card: ModelCard) -> Iterator[str]:
    """How it meets what it was not made for."""
    if said := words.outside(card):
        yield f"Inputs it was not made for are flagged {said}"


def abstention(card: ModelCard) -> Iterator[str]:
    """How it meets what it is unsure of."""
    if said := words.prediction_sets(card):
        yield f"Answers it is unsure of are withheld {said}"


def explanations(card: ModelCard) -> Iterator[str]:
    """How an answer can be looked into."""
    if card.methods:
        yield f"Heat maps by {', '.join(card.methods)}"


def internal(card: ModelCard) -> Iterator[str]:
    """What the test part is."""
    if card.tested_on:
        yield f"Measured on {_tested(card)}: held out of training and of the choice of the epoch"


def performance(card: ModelCard) -> Iterator[str]:
    """The figures."""
    for title, value, rests in words.figures(card.metrics):
        yield f"{title}: {value}, {rests}"


def calibration(card: ModelCard) -> Iterator[str]:
    """What the probabilities are worth."""
    yield from words.calibration(card)


def each_class(card: ModelCard) -> Iterator[str]:
    """The figures of each class."""
    for name, found in card.per_class.items():
        said = ", ".join(f"{title} {value}" for title, value, _ in words.figures(found))
        yield f"{name}: {said}"


def errors(card: ModelCard) -> Iterator[str]:
    """What was taken for what."""
    yield from (f"{name}: {said}" for name, said in words.confusions(card))


def limits(card: ModelCard) -> Iterator[str]:
    """What is known to be wrong."""
    yield from card.caveats
    yield from card.training.get("notes", ())
    for known in card.training.get("datasets", ()):
        yield from (f"{known['name']}: {problem}" for problem in known.get("problems", ()))


def identity(card: ModelCard) -> Iterator[str]:
    """What a run can be found by."""
    known = card.training
    if "data_fingerprint" in known:
        yield f"Run {card.name}, recipe {known['recipe']}, seed {known['seed']}"
        yield f"Fingerprint of the data {known['data']}: {known['data_fingerprint']}"
        yield f"SHA-256 of the split: {known['split_hash']}"


def calculation(card: ModelCard) -> Iterator[str]:
    """How predictions are calculated."""
    yield f"Softmax of the network's outputs divided by the temperature {card.temperature:.3f}"
    yield (
        f"The exported file does that by itself; on {card.parity.images} images its probabilities differed from "
        f"those of the trained network by {card.parity.largest_difference:.1e} at most"
    )


def answers(card: ModelCard) -> Iterator[str]:
    """What comes out."""
    yield f"Output: {words.outputs(card)}"
    yield "The class named is that of the highest probability"


def license(card: ModelCard) -> Iterator[str]:
    """Who may use it."""
    yield f"Model: {card.license}"
    yield from card.attributions


def program(card: ModelCard) -> Iterator[str]:
    """With what it can be repeated."""
    if version := card.versions.get("tumorlens"):
        yield f"Trained, evaluated and exported with tumorlens {version} (Apache-2.0)"


def _tested(card: ModelCard) -> str:
    """On what, without how intervals were made."""
    return card.tested_on.partition("; ")[0]
