"""The command line: one file a verb, nothing in them but arguments and calls."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from tumorlens.cli import audit_command as audit
from tumorlens.cli import benchmark_command as benchmark
from tumorlens.cli import card_command as card
from tumorlens.cli import compare_command as compare
from tumorlens.cli import data_command as data
from tumorlens.cli import demo_command as demo
from tumorlens.cli import evaluate_command as evaluate
from tumorlens.cli import explain_command as explain
from tumorlens.cli import export_command as export
from tumorlens.cli import models_command as models
from tumorlens.cli import predict_command as predict
from tumorlens.cli import reproduce_command as reproduce
from tumorlens.cli import train_command as train
from tumorlens.cli.common import fail
from tumorlens.errors import TumorlensError

INTERRUPTED = 130  # as shells count it: 128 + SIGINT


class Verbs(TyperGroup):
    """Verbs of one word or of two: ``audit PATH`` and ``audit index PATH`` stand side by side."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The verb of two words where there is one, else that of the first word."""
        both = " ".join(args[:2])
        return super().resolve_command(ctx, [both, *args[2:]] if both in self.commands else args)


app = typer.Typer(
    name="tumorlens",
    cls=Verbs,
    help="Brain-tumor MRI, honestly measured. For research; not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(demo.demo)
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")
app.command()(audit.audit)
app.command("audit index")(audit.index)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(compare.compare)
app.command()(reproduce.reproduce)
app.command()(explain.explain)
app.command()(export.export)
app.command()(card.card)
app.command()(predict.predict)
app.command()(benchmark.benchmark)


@app.callback(invoke_without_command=True)
def root(
    version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True),
) -> None:
    """Brain-tumor MRI, honestly measured. For research; not a medical device."""
    if version:
        from tumorlens import __version__

        typer.echo(f"tumorlens {__version__}")
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; None for those of the process.

    Returns:
        0 when all went well, 1 when the work failed, 2 for wrong usage, 130 when interrupted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        result = app(args=given, prog_name="tumorlens", standalone_mode=False)
    except TumorlensError as error:
        return fail(str(error), 1)
    except BrokenPipeError:
        raise  # whoever read standard output has gone: see `entry`
    except OSError as error:
        return fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), 1)
    except (KeyboardInterrupt, typer.Abort):
        result = INTERRUPTED
    except Exception as error:
        # Wrong usage, as click sees it; its class has moved between releases of typer.
        if hasattr(error, "exit_code") and hasattr(error, "format_message"):
            return _misused(error.format_message(), getattr(error, "ctx", None), int(error.exit_code))
        raise
    if result == INTERRUPTED:  # newer releases of typer return it, older ones raise
        return fail("interrupted", INTERRUPTED)
    return result if isinstance(result, int) else 0


def entry() -> None:
    """What the installed program runs."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file name need not be UTF-8, nor the terminal
            stream.reconfigure(errors="backslashreplace")
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:  # as in `tumorlens predict ... | head`: no traceback, also not at the last flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)


def _misused(message: str, context: typer.Context | None, code: int) -> int:
    """Print the help where nothing was asked for, else one line that says where the help is."""
    if message.startswith("Usage:"):
        print(message, file=sys.stderr)
        return code
    where = context.command_path if context else "tumorlens"
    return fail(f"{message.rstrip('.')}; see: {where} --help", code)
