"""tumorlens networks: names of architectures -> their size, cost and source."""

from __future__ import annotations

from typing import Annotated

import typer

from tumorlens.cli.common import Json, facts, grid, loading, print_json, show

app = typer.Typer(help="Network architectures: list, describe.", no_args_is_help=True)


@app.command("list")
def list_(json: Json = False) -> None:
    """List the architectures. With parameters, and multiply-adds at their own input size."""
    with loading():
        from tumorlens.models import architecture_info, cost, list_networks

        rows = [(architecture_info(name), cost(name)) for name in list_networks()]
    if json:
        return print_json(
            [{"name": c.name, "parameters": k.parameters, "multiply_adds": k.multiply_adds} for c, k in rows]
        )
    table = grid("name", "input", "parameters", "multiply-adds", "description")
    for c, k in rows:
        parameters, multiply_adds = f"{k.parameters / 1e6:.2f} M", f"{k.multiply_adds / 1e9:.2f} G"
        table.add_row(c.name, str(c.input_size), parameters, multiply_adds, c.summary)
    show(table)


@app.command()
def info(
    name: Annotated[str, typer.Argument(help="Name of an architecture, as in: tumorlens networks list")],
    classes: Annotated[int, typer.Option(help="Number of classes to count parameters for.")] = 4,
    json: Json = False,
) -> None:
    """Describe an architecture. Size, cost, options, pretrained weights, license, citation."""
    from dataclasses import asdict

    with loading():
        from tumorlens.models import architecture_info, cost

        known = {**asdict(architecture_info(name)), **asdict(cost(name, classes)), "classes": classes}
    if json:
        return print_json(known)
    show(facts({key.replace("_", " "): _words(value) for key, value in known.items() if value is not None}))


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} ({default})" for key, default in value.items()) or "none"
    if isinstance(value, tuple):
        return ", ".join(str(v) for v in value) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)
