"""tumorlens recipes: names of recipes -> what they train, and all their values."""

from __future__ import annotations

from typing import Annotated

import typer

from tumorlens.cli.common import Json, grid, loading, print_json, show

app = typer.Typer(help="Training recipes: list, show.", no_args_is_help=True)


@app.command("list")
def list_(json: Json = False) -> None:
    """List the recipes that come with tumorlens."""
    with loading():
        from tumorlens.training import load_recipe, shipped

        recipes = [load_recipe(name) for name in shipped()]
    if json:
        return print_json(
            [{"name": r.name, "network": r.model, "epochs": r.epochs, "description": r.description} for r in recipes]
        )
    table = grid("name", "network", "epochs", "description")
    for r in recipes:
        table.add_row(r.name, r.model, str(r.epochs), r.description)
    show(table)


@app.command("show")
def show_(
    recipe: Annotated[str, typer.Argument(help="A recipe that ships, or a YAML file.", show_default=False)],
    json: Json = False,
) -> None:
    """Print a recipe as YAML, every default written out."""
    with loading():
        from tumorlens.training import load_recipe

        values = load_recipe(recipe)
    if json:
        return print_json(values.model_dump(mode="json"))
    print(values.to_yaml(), end="")
