"""card -> statements for the items of a reporting checklist, one line each; none where the card holds no fact.

A YAML file names these functions: a function with `statement` above it is available under its own name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tumorlens.metrics.names import title
from tumorlens.model_card import phrases
from tumorlens.model_card.card import ModelCard

Statement = Callable[[ModelCard], Iterable[str]]

STATEMENTS: dict[str, Statement] = {}
"""Name -> function, for the YAML files of the checklists."""


def statement(function: Statement) -> Statement:
    """Make a function available to checklists under its name."""
    STATEMENTS[function.__name__] = function
    return function


@statement
def model_type(card: ModelCard) -> Iterator[str]:
    """Kind of model, and its classes."""
    yield f"Deep learning: the neural network {card.model} classifies slices of the head as {', '.join(card.classes)}"


@statement
def intended_use(card: ModelCard) -> Iterator[str]:
    """Intended use, and uses that are excluded."""
    yield card.intended_use


@statement
def data_sources(card: ModelCard) -> Iterator[str]:
    """The data sets."""
    yield from (f"{name}: {text}" for name, text in phrases.datasets(card))


@statement
def image_descriptions(card: ModelCard) -> Iterator[str]:
    """Known facts about the acquisition of the images."""
    yield from (f"{one.name}: {one.summary}" for one in card.training.datasets if one.summary is not None)


@statement
def reference_standard(card: ModelCard) -> Iterator[str]:
    """Labels and reference masks."""
    yield f"Each image has one label, as its data set gives it: {', '.join(card.classes)}"
    if card.segments:
        yield "The reference mask of the tumor is the mask that the data set gives"


@statement
def model_input(card: ModelCard) -> Iterator[str]:
    """Input of the model."""
    yield "The gray values of one slice; the model has no other input"
    yield f"Input geometry: {phrases.input_geometry(card)}"


@statement
def preprocessing(card: ModelCard) -> Iterator[str]:
    """How an image becomes input."""
    yield f"Input geometry: {phrases.input_geometry(card)}"
    if text := phrases.intensities(card):
        yield f"Intensities: {text}"
    yield "The exported file contains this preprocessing; it is the same in training, evaluation and use"


@statement
def data_split(card: ModelCard) -> Iterator[str]:
    """How the data was split, and the size of each subset."""
    if text := phrases.split(card):
        yield f"Split {text}"
        yield from sample_sizes(card)
        yield f"SHA-256 of the split: {card.training.split_hash}"


@statement
def sample_sizes(card: ModelCard) -> Iterator[str]:
    """Images and patients of each subset, by class where known."""
    yield from (f"{subset}: {text}" for subset, text in phrases.subsets(card))


@statement
def outcomes(card: ModelCard) -> Iterator[str]:
    """As `sample_sizes`, if the sizes by class are known."""
    if card.training.classes:
        yield from sample_sizes(card)


@statement
def split_level(card: ModelCard) -> Iterator[str]:
    """Level at which the subsets are disjoint, and leaks."""
    training = card.training
    if training.split:
        yield {
            "patient": "No known patient is in two subsets",
            "image": "No image is in two subsets; no patient is known, so patients may be in two subsets",
        }.get(training.split.by, "No image is in two subsets, but patients are: the split was by image on request")
    for dataset in training.datasets:
        if not dataset.used.patients:
            yield f"{dataset.name}: no patient is known; an image counts as one sampling unit with its duplicates"
    for leak in training.leaks or ():
        yield f"{leak.subset}: {leak.images} of {leak.of} images leaked from train, by {leak.by}"
    if training.leaks == ():
        yield "A search for duplicates before training found no validation or test image in train"


@statement
def test_size(card: ModelCard) -> Iterator[str]:
    """Size of the test data."""
    if card.tested_on:
        yield f"Measured on {_test_data(card)}"


@statement
def architecture(card: ModelCard) -> Iterator[str]:
    """The network, its input and its output."""
    network = card.training.network
    yield f"{card.model}, {card.parameters:,} parameters" + (f": {network.summary}" if network else "")
    if text := phrases.options(card):
        yield f"Options: {text}"
    yield f"Input: {phrases.input_geometry(card)}"
    if text := phrases.intensities(card):
        yield f"Intensities: {text}"
    yield f"Output: {phrases.outputs(card)}"
    if network:
        yield f"Reference: {network.citation}"


@statement
def software(card: ModelCard) -> Iterator[str]:
    """Versions of the software."""
    yield ", ".join(f"{name} {version}" for name, version in card.versions.items())


@statement
def initial_weights(card: ModelCard) -> Iterator[str]:
    """Weights before training."""
    training = card.training
    if training.pretrained == "none":
        yield f"All at random, seed {training.seed}"
    elif training.pretrained:
        yield f"{training.pretrained}; the classifier, and weights missing there, at random, seed {training.seed}"


@statement
def training_settings(card: ModelCard) -> Iterator[str]:
    """All settings of the recipe that had an effect."""
    groups = dict(phrases.settings(card))
    if groups:
        training = card.training
        yield f"Recipe {training.recipe} of tumorlens, seed {training.seed}, on {training.device}; keys of the recipe:"
        yield from (f"{group}: {text}" for group, text in groups.items())


@statement
def model_selection(card: ModelCard) -> Iterator[str]:
    """Which epoch was kept."""
    if text := phrases.epoch(card):
        yield text[0].upper() + text[1:]


@statement
def ensemble(card: ModelCard) -> Iterator[str]:
    """Whether several networks are combined."""
    yield f"None: the file contains one network, {card.model}"


@statement
def class_balance(card: ModelCard) -> Iterator[str]:
    """Weights of the classes in the loss."""
    loss = phrases.settings_group(card, "loss")
    if loss:
        balanced = loss["class_weights"] == "balanced"
        yield (
            "Class weights in the loss, inverse to the frequency of each class"
            if balanced
            else "None: all classes have the same weight in the loss"
        )


@statement
def metrics(card: ModelCard) -> Iterator[str]:
    """Names of the metrics."""
    if card.metrics:
        yield f"Overall: {', '.join(map(title, card.metrics))}"
    names = dict.fromkeys(name for estimates in card.per_class.values() for name in estimates)
    if names:
        yield f"Of each class: {', '.join(map(title, names))}; and the confusion matrix"


@statement
def uncertainty(card: ModelCard) -> Iterator[str]:
    """How the intervals were computed."""
    if card.metrics:
        yield card.tested_on.partition("; ")[2]
        yield f"Sampling unit of the bootstrap: {' or '.join(sorted({one.unit for one in card.metrics.values()}))}"
        if any(one.method == "wilson" for one in card.metrics.values()):
            yield "Wilson interval for a proportion of 0 or 1"


@statement
def analyses(card: ModelCard) -> Iterator[str]:
    """Conclusions of all analyses of the run."""
    for conclusions in card.analyses.values():
        yield from conclusions


@statement
def ood_detection(card: ModelCard) -> Iterator[str]:
    """How out-of-distribution images are flagged."""
    if text := phrases.ood(card):
        yield f"Out-of-distribution images are flagged by {text}"


@statement
def selective_prediction(card: ModelCard) -> Iterator[str]:
    """When the model abstains."""
    if text := phrases.prediction_sets(card):
        yield f"Selective prediction: {text}"


@statement
def explanations(card: ModelCard) -> Iterator[str]:
    """Methods of explanation."""
    if card.methods:
        yield f"Heat maps by {', '.join(card.methods)}"


@statement
def internal_test(card: ModelCard) -> Iterator[str]:
    """The internal test data."""
    if card.tested_on:
        yield f"Measured on {_test_data(card)}: used neither for training nor to choose the epoch"


@statement
def performance(card: ModelCard) -> Iterator[str]:
    """The metrics."""
    yield from (f"Any tumor, {name}: {text}, {sample}" for name, text, sample in phrases.detection_rows(card))
    yield from (f"{name}: {text}, {sample}" for name, text, sample in phrases.metric_rows(card.metrics))


@statement
def calibration(card: ModelCard) -> Iterator[str]:
    """Calibration of the probabilities."""
    yield from phrases.calibration(card)


@statement
def performance_per_class(card: ModelCard) -> Iterator[str]:
    """The metrics of each class."""
    for name, estimates in card.per_class.items():
        texts = (f"{metric} {text}" for metric, text, _ in phrases.metric_rows(estimates))
        yield f"{name}: {', '.join(texts)}"


@statement
def confusions(card: ModelCard) -> Iterator[str]:
    """The confusion matrix."""
    yield from (f"{name}: {text}" for name, text in phrases.confusion_rows(card))


@statement
def limitations(card: ModelCard) -> Iterator[str]:
    """Caveats, notes on the data, and known problems of the data sets."""
    yield from card.caveats
    yield from card.training.notes
    for dataset in card.training.datasets:
        yield from (f"{dataset.name}: {problem}" for problem in dataset.problems)


@statement
def run_identity(card: ModelCard) -> Iterator[str]:
    """Name, seed and hashes of the run."""
    training = card.training
    if training.data_fingerprint is not None:
        yield f"Run {card.name}, recipe {training.recipe}, seed {training.seed}"
        yield f"Fingerprint of the data {training.data}: {training.data_fingerprint}"
        yield f"SHA-256 of the split: {training.split_hash}"


@statement
def calculation(card: ModelCard) -> Iterator[str]:
    """How probabilities are calculated."""
    yield f"Softmax of the logits divided by the temperature {card.temperature:.3f}"
    yield (
        f"The exported file contains this calculation; on {card.parity.images} images its probabilities differed from "
        f"those of the trained network by at most {card.parity.largest_difference:.1e}"
    )


@statement
def model_output(card: ModelCard) -> Iterator[str]:
    """Outputs, and the rule for the class."""
    yield f"Output: {phrases.outputs(card)}"
    yield "The predicted class is the one with the highest probability"


@statement
def license(card: ModelCard) -> Iterator[str]:
    """Licenses of the model and of its data."""
    yield f"Model: {card.license}"
    yield from card.attributions


@statement
def program(card: ModelCard) -> Iterator[str]:
    """The program that reproduces it."""
    if version := card.versions.get("tumorlens"):
        yield f"Trained, evaluated and exported with tumorlens {version} (Apache-2.0)"


def _test_data(card: ModelCard) -> str:
    """The test data, without the method of the intervals."""
    return card.tested_on.partition("; ")[0]
