"""tumorlens card: bundle -> what it is and how good it is, on the terminal or as a reporting sheet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.common import Json, emit, grid, say, show

if TYPE_CHECKING:
    from tumorlens.model_card.card_sections import Section


def card(
    bundle: Annotated[str, typer.Argument(help="A bundle, .onnx, or what ships: default, tiny.")] = "default",
    sheet: Annotated[
        str | None, typer.Option(help="The checklist that --out fills in: claim (if left out) or tripod-ai.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A reporting sheet to write, .md, instead of the card on the terminal.")
    ] = None,
    json: Json = False,
) -> None:
    """Print the card of a bundle. With --out, fill in a reporting checklist as far as the card knows."""
    from tumorlens._record import Record
    from tumorlens.deploy.predictor import load
    from tumorlens.deploy.shipped import bundle as named
    from tumorlens.model_card.card_sections import ModelFile, card_page
    from tumorlens.model_card.checklists import CHECKLISTS
    from tumorlens.model_card.checklists.fill import write_checklist

    if sheet and not out:
        raise typer.BadParameter("--sheet needs --out, the file to write")
    chosen = sheet or next(iter(CHECKLISTS))
    if chosen not in CHECKLISTS:
        raise typer.BadParameter(f"'{chosen}' for --sheet; expected {' or '.join(CHECKLISTS)}")
    known, file = load(bundle).card, ModelFile.of(named(bundle))
    if out:
        record = Record("card", model=bundle, sheet=chosen)
        tally = write_checklist(CHECKLISTS[chosen], known, file, out)
        record.add(outputs=[out.name], items=tally.to_dict())
        record.write(out.parent, f"{out.name}.run.json")
        if json:
            return emit({"path": str(out), "sheet": chosen, **tally.to_dict()})
        return say(f"written: {out} ({CHECKLISTS[chosen].name}: {tally})")
    if json:
        return emit(known.model_dump(mode="json") | file.to_dict())
    for number, section in enumerate(card_page(known, file)):
        show(f"{chr(10) * (number > 0)}{section.title}")
        _draw(section)


def _draw(section: Section) -> None:
    """A table where there are headings, else names in bold and what they are."""
    from rich.text import Text

    table = grid(*section.headings)
    table.show_header = bool(section.headings)
    for first, *others in section.rows:
        table.add_row(Text(first, style="bold"), *others)
    show(table)
