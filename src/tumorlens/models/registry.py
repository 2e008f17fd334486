"""Names -> networks: a registry of plain functions, each with a frozen card beside it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tumorlens.errors import ModelError
from tumorlens.models.model_output import Network

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)

Option = bool | int | float | str


@dataclass(frozen=True)
class ArchitectureInfo:
    """What is known of an architecture before it is built.

    Attributes:
        name: its name in the registry.
        summary: one line.
        input_size: side of the square input it was made for, pixels.
        mean: per-channel mean subtracted from inputs in [0, 1].
        std: per-channel divisor after that.
        license: of the architecture's code and of its public weights.
        citation: the paper.
        system: number of the published system it belongs to, if any.
        weights: how ImageNet weights can be had: any of "hub" and "package"; empty if there are none.
        segments: whether its output holds a mask.
        options: what else can be chosen when it is built, each with its default.
    """

    name: str
    summary: str
    input_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    license: str
    citation: str
    system: int | None = None
    weights: tuple[str, ...] = ()
    segments: bool = False
    options: Mapping[str, Option] = field(default_factory=dict)


Builder = Callable[..., Network]
_ENTRIES: dict[str, tuple[ArchitectureInfo, Builder]] = {}


def register(card: ArchitectureInfo) -> Callable[[Builder], Builder]:
    """Decorator: enter a builder ``(classes, channels, dropout, **options) -> Network`` under ``card.name``."""

    def enter(builder: Builder) -> Builder:
        if card.name in _ENTRIES:
            raise ValueError(f"model name {card.name} is taken")
        _ENTRIES[card.name] = (card, builder)
        return builder

    return enter


def list_networks() -> list[str]:
    """All registered names, sorted."""
    return sorted(_ENTRIES)


def architecture_info(name: str) -> ArchitectureInfo:
    """The card of a model.

    Raises:
        ModelError: no such name; says the nearest one.
    """
    return _entry(name)[0]


def create(
    name: str,
    classes: int,
    *,
    channels: int = 3,
    dropout: float | None = None,
    options: Mapping[str, Option] | None = None,
) -> Network:
    """Build a network with fresh weights; `load_pretrained` fills in others.

    Args:
        name: registry name.
        classes: number of outputs, at least 2.
        channels: 1 or 3 input channels.
        dropout: before the classifier; None keeps the architecture's own value.
        options: of those on the card, the ones that differ from their default.

    Raises:
        ModelError: unknown name or option, or an argument out of range.
    """
    if classes < 2:
        raise ModelError(f"{name}: {classes} class found; expected at least 2 to tell apart")
    if channels not in (1, 3):
        raise ModelError(f"{name}: {channels} input channels asked for; expected 1 or 3")
    known, build = _entry(name)
    return build(classes=classes, channels=channels, dropout=dropout, **_options(known, options or {}))


def _options(known: ArchitectureInfo, given: Mapping[str, Option]) -> dict[str, Option]:
    """All options of a model, those given and the others at their defaults."""
    for key, value in given.items():
        if key not in known.options:
            near = difflib.get_close_matches(key, known.options, n=1)
            has = f"it has {', '.join(known.options)}" if known.options else "it has none"
            raise ModelError(f"{known.name} has no option '{key}'; {f'did you mean {near[0]}?' if near else has}")
        default = known.options[key]
        fits = type(value) is type(default) or (type(default) is float and type(value) is int)
        if not fits:
            raise ModelError(
                f"{known.name}: option {key} is {value!r}; expected {type(default).__name__}, such as {default!r}"
            )
    return {**known.options, **given}


def _entry(name: str) -> tuple[ArchitectureInfo, Builder]:
    if name not in _ENTRIES:
        near = difflib.get_close_matches(name, list_networks(), n=1)
        hint = f"did you mean {near[0]}?" if near else "see: tumorlens networks list"
        raise ModelError(f"no model is called '{name}'; {hint}")
    return _ENTRIES[name]
