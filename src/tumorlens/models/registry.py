"""Name -> network: a registry of plain functions, each with an `ArchitectureInfo`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tumorlens._network_table import ArchitectureInfo, Option
from tumorlens.errors import ModelError, did_you_mean
from tumorlens.models.model_output import Network

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)

Builder = Callable[..., Network]
_ENTRIES: dict[str, tuple[ArchitectureInfo, Builder]] = {}


def register(info: ArchitectureInfo) -> Callable[[Builder], Builder]:
    """Decorator: enter a builder ``(classes, channels, dropout, **options) -> Network`` under ``info.name``."""

    def enter(builder: Builder) -> Builder:
        if info.name in _ENTRIES:
            raise ValueError(f"network name {info.name} is taken")
        _ENTRIES[info.name] = (info, builder)
        return builder

    return enter


def registered_names() -> list[str]:
    """The names of all networks, sorted."""
    return sorted(_ENTRIES)


def architecture_info(name: str) -> ArchitectureInfo:
    """The description of an architecture.

    Raises:
        ModelError: no such name; suggests the nearest one.
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
    """Build a network with newly initialized weights; `load_pretrained` loads others.

    Args:
        name: in the registry.
        classes: number of outputs, at least 2.
        channels: 1 or 3 input channels.
        dropout: before the classifier; None for the architecture's own.
        options: of `ArchitectureInfo.options`, those that differ from their default.

    Raises:
        ModelError: unknown name or option, or an argument out of range.
    """
    if classes < 2:
        raise ModelError(found=f"{name}: {classes} class found", expected="at least 2")
    if channels not in (1, 3):
        raise ModelError(found=f"{name}: {channels} input channels", expected="1 or 3")
    info, build = _entry(name)
    return build(classes=classes, channels=channels, dropout=dropout, **_options(info, options or {}))


def _options(info: ArchitectureInfo, given: Mapping[str, Option]) -> dict[str, Option]:
    """All options of an architecture: the given ones, and defaults for the others."""
    for key, value in given.items():
        if key not in info.options:
            raise ModelError(
                found=f"{info.name} has no option '{key}'",
                expected=f"one of {', '.join(info.options)}" if info.options else "no options, since it has none",
                advice=did_you_mean(key, info.options),
            )
        default = info.options[key]
        fits = type(value) is type(default) or (type(default) is float and type(value) is int)
        if not fits:
            raise ModelError(
                found=f"{info.name}: option {key} is {value!r}",
                expected=f"{type(default).__name__}, such as {default!r}",
            )
    return {**info.options, **given}


def _entry(name: str) -> tuple[ArchitectureInfo, Builder]:
    if name not in _ENTRIES:
        raise ModelError(
            found=f"no network is called '{name}'",
            expected="a name that 'tumorlens networks list' shows",
            advice=did_you_mean(name, _ENTRIES),
        )
    return _ENTRIES[name]
