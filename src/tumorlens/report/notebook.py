"""Plain data -> a short piece of HTML that stands for an object in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PIL import Image

from tumorlens.report.templating import render_template

_LONGEST = 320  # pixels of the image on its longer side
_SHORTEST = 256  # smaller images are enlarged to this


def notebook_html(
    title: str,
    facts: Iterable[tuple[str, object]] = (),
    *,
    image: Image.Image | None = None,
    alt: str = "",
    warnings: Sequence[str] = (),
    note: str = "",
) -> str:
    """A heading with a table of facts, beside an image. Every text is escaped.

    Args:
        title: one line.
        facts: names and values.
        image: shown at 256 to 320 pixels on its longer side.
        alt: what a screen reader says instead of the image.
        warnings: each one sentence, above the facts.
        note: small print below.

    Example:
        >>> notebook_html("accuracy", [("value", "97.2 %")]).count("<tr>")
        1
    """
    return render_template(
        "notebook.html.j2",
        title=title,
        facts=tuple(facts),
        image=_resized(image) if image else None,
        alt=alt,
        warnings=warnings,
        note=note,
    )


def _resized(image: Image.Image) -> Image.Image:
    longest = max(image.size)
    scale = min(max(longest, _SHORTEST), _LONGEST) / longest
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
