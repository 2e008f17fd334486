"""tumorlens card: model file -> its model card on the terminal or as a page, or a reporting checklist."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.common import Json, Panel, choice, grid, print_json, print_status, show
from tumorlens.model_card.checklists.shipped_checklists import checklist_names

if TYPE_CHECKING:
    from tumorlens.model_card.card_sections import CardSection


def card(
    model: Annotated[
        str, typer.Argument(help="A model file, .onnx, or a model that comes with tumorlens: default, tiny.")
    ] = "default",
    checklist: Annotated[
        str | None,
        choice(
            "--checklist",
            *checklist_names(),
            help="The checklist that --output fills in; claim by default.",
            panel=Panel.OUTPUT,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            dir_okay=False,
            help="Write the card as a page, .html, or a reporting checklist, .md, instead of printing the card.",
            show_default=False,
            rich_help_panel=Panel.OUTPUT,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Print the model card. With --output, write it as a page, or fill in a reporting checklist."""
    from tumorlens._record import Record
    from tumorlens.deploy.predictor import load
    from tumorlens.deploy.shipped import model_path
    from tumorlens.model_card.card_html import card_html
    from tumorlens.model_card.card_sections import ModelFile, card_page
    from tumorlens.model_card.checklists.fill_checklist import write_checklist
    from tumorlens.model_card.checklists.shipped_checklists import load_checklist
    from tumorlens.report import save_page

    if checklist and not output:
        raise typer.BadParameter("--checklist needs --output, the file to write")
    page = output is not None and output.suffix.lower() in (".html", ".htm")
    if page and checklist:
        raise typer.BadParameter("--checklist is written as .md, and a .html file holds the card")
    known, file = load(model).card, ModelFile.of(model_path(model))
    if output and page:
        record = Record("card", model=model)
        save_page(card_html(known, file, record.facts), output)
        record.add(outputs=[output.name])
        record.write(output.parent, f"{output.name}.run.json")
        return print_json({"path": str(output)}) if json else print_status(f"written: {output}")
    if output:
        name = checklist or "claim"
        record = Record("card", model=model, checklist=name)
        form = load_checklist(name)
        counts = write_checklist(form, known, file, output)
        record.add(outputs=[output.name], items=counts.to_dict())
        record.write(output.parent, f"{output.name}.run.json")
        if json:
            return print_json({"path": str(output), "checklist": name, **counts.to_dict()})
        return print_status(f"written: {output} ({form.name}: {counts})")
    if json:
        return print_json(known.model_dump(mode="json") | file.to_dict())
    for number, section in enumerate(card_page(known, file)):
        show(f"{chr(10) * (number > 0)}{section.title}")
        _show(section)


def _show(section: CardSection) -> None:
    """Print a section: a table if it has headings, else names in bold with their values."""
    from rich.text import Text

    table = grid(*section.headings)
    table.show_header = bool(section.headings)
    for first, *others in section.rows:
        table.add_row(Text(first, style="bold"), *others)
    show(table)
