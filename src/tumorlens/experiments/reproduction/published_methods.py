"""The five systems and what their authors claim: name or number -> System, with the recipe to run."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from tumorlens.errors import DataError, RecipeError
from tumorlens.stats import Estimate, wilson
from tumorlens.training import Recipe, load_recipe


@dataclass(frozen=True)
class Claim:
    """One figure as its authors print it.

    Attributes:
        figure: its key: ``"accuracy"``, ``"weighted_f1"``, ``"macro_auroc"``, ``"iou"`` or ``"dice"``.
        value: 0 to 1.
        n: images it was counted on.
        of: the network.
        variant: of it, as `variant` says; None where there is but one.
    """

    figure: str
    value: float
    n: int
    of: str
    variant: str | None = None

    @property
    def estimate(self) -> Estimate:
        """With Wilson's interval where it is a share of images."""
        if self.figure != "accuracy":
            return Estimate(self.value, None, None, self.n, self.n, "image", "none")
        low, high = wilson(round(self.value * self.n), self.n)
        return Estimate(self.value, low, high, self.n, self.n, "image", "wilson")


@dataclass(frozen=True)
class PublishedMethod:
    """One architecture, one recipe, one claim.

    Attributes:
        number: 1 to 5.
        name: as the command line takes it.
        title: as people call it.
        needs: names of the data sets, in the order in which they are given.
        get: how to come by them, in words.
        model: the network the claim is about.
        models: those that may be asked for in its place, each with the recipe and overrides that train it.
        figures: keys of the figures in the table.
        claims: those of all its networks.
        remark: what must be known about the claim, or about the stand-in for it.
    """

    number: int
    name: str
    title: str
    needs: tuple[str, ...]
    get: str
    model: str
    models: dict[str, tuple[str, tuple[str, ...]]]
    figures: tuple[str, ...]
    claims: tuple[Claim, ...]
    remark: str

    def recipe(self, model: str | None, overrides: Iterable[str]) -> Recipe:
        """The recipe of one of its networks.

        Raises:
            RecipeError: another network, or overrides that do not fit.
        """
        name = model or self.model
        if name not in self.models:
            near = difflib.get_close_matches(name, self.models, n=1)
            hint = f"did you mean {near[0]}?" if near else f"expected one of {list(self.models)}"
            raise RecipeError(
                f"system {self.number} ({self.name}) has no network '{name}'; {hint} (any other: --set model={name})"
            )
        recipe, own = self.models[name]
        return load_recipe(recipe, [*own, *overrides])

    def claims_for(self, recipe: Recipe) -> tuple[Claim, ...]:
        """What is claimed for the network of a recipe, or else for what comes nearest to it.

        That is another network with the same parts switched on, or what the system is known for.
        """
        exact = [c for c in self.claims if c.of == recipe.model and c.variant in (None, variant(recipe))]
        near = [c for c in self.claims if c.variant == variant(recipe)]
        known = [c for c in self.claims if (c.of, c.variant) == (self.claims[0].of, self.claims[0].variant)]
        return tuple(exact or near or known)


def variant(recipe: Recipe) -> str:
    """What of system 5's ablation a recipe switches on, in its authors' order."""
    words = ["transformer" if recipe.model.endswith("_transformer") else "plain"]
    words += ["label smoothing"] if recipe.loss.label_smoothing else []
    words += ["CBAM"] if recipe.options.get("cbam") else []
    return " + ".join(words)


def find_published_method(which: str | int) -> PublishedMethod:
    """The system of that number or name.

    Raises:
        DataError: there is none; says the nearest one.
    """
    for system in PUBLISHED_METHODS:
        if str(which).lower().replace("-", "_") in (str(system.number), system.name):
            return system
    names = [system.name for system in PUBLISHED_METHODS]
    near = difflib.get_close_matches(str(which), names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"expected 1 to {len(PUBLISHED_METHODS)}, or one of {names}"
    raise DataError(f"no system is called '{which}'; {hint}")


def _own(*names: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Networks whose recipe has their name."""
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
        needs=("navoneel",),
        get="tumorlens data get navoneel FOLDER",
        model="brain_mri_efficientnet",
        models=_own("brain_mri_efficientnet"),
        figures=("accuracy", "macro_auroc"),
        claims=(),
        remark="Its authors give no figure and no data; the yes / no set, divided at random, stands in.",
    ),
    PublishedMethod(
        number=2,
        name="efficient_mtnet",
        title="EfficientMTNet",
        needs=("coco", "figshare"),
        get="the COCO export 'TumorSegmentation' with its folders train, valid and test, and then "
        "tumorlens data get figshare FOLDER",
        model="efficient_mtnet",
        models=_own("efficient_mtnet", "efficient_mtnet_s"),
        figures=("accuracy", "iou", "dice"),
        claims=(
            Claim("accuracy", 0.9907, 215, "efficient_mtnet"),
            Claim("iou", 0.7625, 215, "efficient_mtnet"),
            Claim("dice", 0.8481, 215, "efficient_mtnet"),
        ),
        remark="The classes are called 'no tumor' and 'tumor' by its authors; in the data 0 is glioma and 1 is "
        "meningioma or pituitary, and every image shows a tumor. What they call mIoU is taken for the IoU of the "
        "tumor, which alone fits their Dice.",
    ),
    PublishedMethod(
        number=3,
        name="efficientnet_b0",
        title="EfficientNet-B0, four classes",
        needs=("nickparvar",),
        get="tumorlens data get nickparvar FOLDER",
        model="efficientnet_b0",
        models=_own(*(f"efficientnet_b{i}" for i in range(5)))
        | {f"efficientnet_lite{i}": ("efficientnet_b0", (f"model=efficientnet_lite{i}",)) for i in range(3)},
        figures=("accuracy", "weighted_f1"),
        claims=(
            Claim("accuracy", 0.9996, 5712, "efficientnet_b0"),
            Claim("weighted_f1", 0.9996, 5712, "efficientnet_b0"),
        ),
        remark="The claim was measured on the images the network was trained on.",
    ),
    PublishedMethod(
        number=4,
        name="brainmrnet",
        title="BrainMRNet",
        needs=("navoneel",),
        get="tumorlens data get navoneel FOLDER",
        model="brainmrnet",
        models=_own("brainmrnet", "vgg16", "resnet50", "densenet121"),
        figures=("accuracy", "macro_auroc"),
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
        remark="The paper (Togacar, Ergen and Comert 2020, Medical Hypotheses 134:109531) claims 96.05 % accuracy for "
        "BrainMRNet; the figures in the table are those of the code that was examined.",
    ),
    PublishedMethod(
        number=5,
        name="efficientnet_transformer",
        title="EfficientNet with a transformer layer",
        needs=("figshare",),
        get="tumorlens data get figshare FOLDER",
        model=_B2,
        models=_own(*(f"efficientnet_{size}_transformer" for size in _SIZES)) | _PLAIN,
        figures=("accuracy",),
        claims=(
            Claim("accuracy", 0.9884, 1032, _B2, "transformer"),
            Claim("accuracy", 0.9855, 1032, _B2, "transformer + label smoothing"),
            Claim("accuracy", 0.9864, 1032, _B2, "transformer + CBAM"),
            Claim("accuracy", 0.9864, 1032, _B2, "transformer + label smoothing + CBAM"),
            Claim("accuracy", 0.9874, 1032, "efficientnet_b2", "plain"),
        ),
        remark="The claims are for EfficientNet-B2 on a pooled set that holds the same slices several times; here "
        "it is Figshare, each slice once.",
    ),
)
