"""tumorlens networks: names of architectures -> their size, cost and source; without torch."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from tumorlens.cli.common import Json, facts, grid, print_json, show

app = typer.Typer(help="Network architectures: list, describe.", no_args_is_help=True)


@app.command("list")
def list_(json: Json = False) -> None:
    """List the architectures. With parameters, and multiply-adds at their own input size."""
    from tumorlens._network_table import network_table

    networks = network_table().values()
    if json:
        keys = ("name", "parameters", "multiply_adds")
        return print_json([{key: getattr(network, key) for key in keys} for network in networks])
    table = grid("name", "input", "parameters", "multiply-adds", "description")
    for network in networks:
        parameters, multiply_adds = f"{network.parameters / 1e6:.2f} M", f"{network.multiply_adds / 1e9:.2f} G"
        table.add_row(network.name, str(network.input_size), parameters, multiply_adds, network.summary)
    show(table)


@app.command()
def info(
    name: Annotated[str, typer.Argument(help="Name of an architecture, as in: tumorlens networks list")],
    json: Json = False,
) -> None:
    """Describe an architecture. Size, cost, options, pretrained weights, license, citation."""
    from tumorlens._network_table import CLASSES, network_facts

    known = asdict(network_facts(name)) | {"classes": CLASSES}
    if json:
        return print_json(known)
    show(facts({key.replace("_", " "): _words(value) for key, value in known.items() if value is not None}))


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} ({default})" for key, default in value.items()) or "none"
    if isinstance(value, tuple):
        return ", ".join(str(v) for v in value) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)
