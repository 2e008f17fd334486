"""tumorlens models: which networks there are, and what each costs."""

from __future__ import annotations

from typing import Annotated

import typer

from tumorlens.cli.common import Json, emit, facts, grid, loading, show

app = typer.Typer(help="Networks: list them, or describe one.", no_args_is_help=True)


@app.command("list")
def list_(json: Json = False) -> None:
    """List the networks. With parameters, and multiply-adds at their own input size."""
    with loading():
        from tumorlens.models import card, cost, names

        rows = [(card(name), cost(name)) for name in names()]
    if json:
        return emit([{"name": c.name, "parameters": k.parameters, "multiply_adds": k.multiply_adds} for c, k in rows])
    table = grid("name", "input", "parameters", "multiply-adds", "what")
    for c, k in rows:
        size, work = f"{k.parameters / 1e6:.2f} M", f"{k.multiply_adds / 1e9:.2f} G"
        table.add_row(c.name, str(c.input_size), size, work, c.summary)
    show(table)


@app.command()
def info(
    name: Annotated[str, typer.Argument(help="Name of a network.")],
    classes: Annotated[int, typer.Option(help="Number of classes to count for.")] = 4,
    json: Json = False,
) -> None:
    """Describe a network. Size, cost, weights, license, citation."""
    from dataclasses import asdict

    with loading():
        from tumorlens.models import card, cost

        known = {**asdict(card(name)), **asdict(cost(name, classes)), "classes": classes}
    if json:
        return emit(known)
    show(facts({key.replace("_", " "): _words(value) for key, value in known.items() if value is not None}))


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} ({default})" for key, default in value.items()) or "none"
    if isinstance(value, tuple):
        return ", ".join(str(v) for v in value) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)
