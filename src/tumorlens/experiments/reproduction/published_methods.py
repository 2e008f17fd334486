"""Name or number -> PublishedMethod: one of five published methods with its recipe and the claims of its authors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tumorlens.errors import DataError, RecipeError, did_you_mean
from tumorlens.stats import Estimate, wilson
from tumorlens.training import Recipe, load_recipe


@dataclass(frozen=True)
class Claim:
    """One reported metric.

    Attributes:
        metric: its name: ``"accuracy"``, ``"weighted_f1"``, ``"macro_auroc"``, ``"iou"`` or ``"dice"``.
        value: as printed by the authors, 0 to 1.
        n: number of test images.
        model: registry name of the network.
        variant: from `ablation_variant`; None where the method has no variants.
    """

    metric: str
    value: float
    n: int
    model: str
    variant: str | None = None

    @property
    def estimate(self) -> Estimate:
        """The value, with the Wilson interval where it is a proportion of images."""
        if self.metric != "accuracy":
            return Estimate(self.value, None, None, self.n, self.n, "image", "none")
        low, high = wilson(round(self.value * self.n), self.n)
        return Estimate(self.value, low, high, self.n, self.n, "image", "wilson")


@dataclass(frozen=True)
class PublishedMethod:
    """A published method: architecture, recipe and claims.

    Attributes:
        number: 1 to 5.
        name: for the command line.
        title: for reports.
        datasets: names of its datasets, in the order of the command line.
        download: how to get them, in words.
        model: registry name of the network of the claim.
        models: all its networks, each with the recipe and overrides that train it.
        metrics: names of the reported metrics.
        claims: of all its networks.
        caveat: a limitation of the claim, or of the dataset used here.
    """

    number: int
    name: str
    title: str
    datasets: tuple[str, ...]
    download: str
    model: str
    models: dict[str, tuple[str, tuple[str, ...]]]
    metrics: tuple[str, ...]
    claims: tuple[Claim, ...]
    caveat: str

    def recipe(self, model: str | None, overrides: Iterable[str]) -> Recipe:
        """The recipe of one of its networks.

        Raises:
            RecipeError: the method has no such network, or an override is invalid.
        """
        name = model or self.model
        if name not in self.models:
            raise RecipeError(
                found=f"published method {self.number} ({self.name}) has no network '{name}'",
                expected=f"one of {', '.join(self.models)}",
                advice=did_you_mean(name, self.models) or f"choose any other network with --set model={name}",
            )
        recipe, own = self.models[name]
        return load_recipe(recipe, [*own, *overrides])

    def claims_for(self, recipe: Recipe) -> tuple[Claim, ...]:
        """The claims for the network of a recipe, or else for the most similar network.

        That is another network with the same ablation variant, or the main network of the method.
        """
        variant = ablation_variant(recipe)
        exact = [c for c in self.claims if c.model == recipe.model and c.variant in (None, variant)]
        same_variant = [c for c in self.claims if c.variant == variant]
        main = [c for c in self.claims if (c.model, c.variant) == (self.claims[0].model, self.claims[0].variant)]
        return tuple(exact or same_variant or main)


def ablation_variant(recipe: Recipe) -> str:
    """The variant of the ablation of published method 5 that a recipe trains, as its authors name it."""
    words = ["transformer" if recipe.model.endswith("_transformer") else "plain"]
    words += ["label smoothing"] if recipe.loss.label_smoothing else []
    words += ["CBAM"] if recipe.options.get("cbam") else []
    return " + ".join(words)


def find_published_method(which: str | int) -> PublishedMethod:
    """The published method with this number or name.

    Raises:
        DataError: there is none; the message names the most similar one.
    """
    for method in PUBLISHED_METHODS:
        if str(which).lower().replace("-", "_") in (str(method.number), method.name):
            return method
    names = [method.name for method in PUBLISHED_METHODS]
    raise DataError(
        found=f"no published method is called '{which}'",
        expected=f"1 to {len(PUBLISHED_METHODS)}, or one of {', '.join(names)}",
        advice=did_you_mean(str(which), names),
    )


def _own(*names: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Networks whose recipe has the same name."""
    return {name: (name, ()) for name in names}


_B2 = "efficientnet_b2_transformer"
_SIZES = [*(f"b{i}" for i in range(5)), *(f"lite{i}" for i in range(3))]
# Without the transformer: the same recipe, and dropout 0.5 (Zulfiqar, Bajwa and Mehmood 2023, BSPC 84:104777).
_PLAIN = {
    f"efficientnet_{size}": (
        f"efficientnet_{size}_transformer",
        (f"name=efficientnet_{size}_plain", f"model=efficientnet_{size}", "dropout=0.5"),
    )
    for size in _SIZES
}

PUBLISHED_METHODS = (
    PublishedMethod(
        number=1,
        name="brain_mri_efficientnet",
        title="BrainMRIEfficientNet",
        datasets=("navoneel",),
        download="tumorlens data get navoneel FOLDER",
        model="brain_mri_efficientnet",
        models=_own("brain_mri_efficientnet"),
        metrics=("accuracy", "macro_auroc"),
        claims=(),
        caveat="Its authors report no metric and no dataset; the yes / no dataset with a random split is used instead.",
    ),
    PublishedMethod(
        number=2,
        name="efficient_mtnet",
        title="EfficientMTNet",
        datasets=("coco", "figshare"),
        download="the COCO export 'TumorSegmentation' with its folders train, valid and test, and then "
        "tumorlens data get figshare FOLDER",
        model="efficient_mtnet",
        models=_own("efficient_mtnet", "efficient_mtnet_s"),
        metrics=("accuracy", "iou", "dice"),
        claims=(
            Claim("accuracy", 0.9907, 215, "efficient_mtnet"),
            Claim("iou", 0.7625, 215, "efficient_mtnet"),
            Claim("dice", 0.8481, 215, "efficient_mtnet"),
        ),
        caveat="Its authors call the classes 'no tumor' and 'tumor'; in the data, 0 is glioma, 1 is meningioma or "
        "pituitary, and every image shows a tumor. Their mIoU is taken as the IoU of the tumor, because only this is "
        "consistent with their Dice.",
    ),
    PublishedMethod(
        number=3,
        name="efficientnet_b0",
        title="EfficientNet-B0, four classes",
        datasets=("nickparvar",),
        download="tumorlens data get nickparvar FOLDER",
        model="efficientnet_b0",
        models=_own(*(f"efficientnet_b{i}" for i in range(5)))
        | {f"efficientnet_lite{i}": ("efficientnet_b0", (f"model=efficientnet_lite{i}",)) for i in range(3)},
        metrics=("accuracy", "weighted_f1"),
        claims=(
            Claim("accuracy", 0.9996, 5712, "efficientnet_b0"),
            Claim("weighted_f1", 0.9996, 5712, "efficientnet_b0"),
        ),
        caveat="The claim was measured on the training images.",
    ),
    PublishedMethod(
        number=4,
        name="brainmrnet",
        title="BrainMRNet",
        datasets=("navoneel",),
        download="tumorlens data get navoneel FOLDER",
        model="brainmrnet",
        models=_own("brainmrnet", "vgg16", "resnet50", "densenet121"),
        metrics=("accuracy", "macro_auroc"),
        claims=(
            Claim("accuracy", 0.880, 50, "brainmrnet"),
            Claim("macro_auroc", 0.917, 50, "brainmrnet"),
            Claim("accuracy", 0.780, 50, "vgg16"),
            Claim("macro_auroc", 0.805, 50, "vgg16"),
            Claim("accuracy", 0.760, 50, "resnet50"),
            Claim("macro_auroc", 0.942, 50, "resnet50"),
            Claim("accuracy", 0.940, 50, "densenet121"),
            Claim("macro_auroc", 0.983, 50, "densenet121"),
        ),
        caveat="The paper (Togacar, Ergen and Comert 2020, Medical Hypotheses 134:109531) claims 96.05 % accuracy for "
        "BrainMRNet; the table has the metrics of the examined code.",
    ),
    PublishedMethod(
        number=5,
        name="efficientnet_transformer",
        title="EfficientNet with a transformer layer",
        datasets=("figshare",),
        download="tumorlens data get figshare FOLDER",
        model=_B2,
        models=_own(*(f"efficientnet_{size}_transformer" for size in _SIZES)) | _PLAIN,
        metrics=("accuracy",),
        claims=(
            Claim("accuracy", 0.9884, 1032, _B2, "transformer"),
            Claim("accuracy", 0.9855, 1032, _B2, "transformer + label smoothing"),
            Claim("accuracy", 0.9864, 1032, _B2, "transformer + CBAM"),
            Claim("accuracy", 0.9864, 1032, _B2, "transformer + label smoothing + CBAM"),
            Claim("accuracy", 0.9874, 1032, "efficientnet_b2", "plain"),
        ),
        caveat="The claims are for EfficientNet-B2 on a pooled set with duplicate slices; here it is Figshare, each "
        "slice once.",
    ),
)
