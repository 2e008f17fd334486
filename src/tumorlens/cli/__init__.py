"""The command line: one file a verb; arguments and calls, nothing else."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence

import typer

from tumorlens.cli.common import ExitCode, fail, messages
from tumorlens.cli.verbs import HELP_OPTIONS, Root, Tracebacks
from tumorlens.errors import ParityError, TumorlensError

app = typer.Typer(
    name="tumorlens",
    cls=Root,
    help="Brain-tumor MRI, honestly measured. For research; not a medical device.",
    no_args_is_help=True,
    rich_markup_mode=None,  # `help_page` draws the panels
    pretty_exceptions_enable=False,
    context_settings=HELP_OPTIONS,
)


@app.callback(invoke_without_command=True)
def root(
    version: bool = typer.Option(False, "--version", "-V", help="Print the version.", is_eager=True),
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
        One of `ExitCode`.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    Tracebacks.shown = False
    if "" in words:  # it would stand for the working folder, and all that is in it
        return fail("an empty argument; expected a name; is a variable of the shell not set?", ExitCode.USAGE)
    try:
        with messages():
            result = app(args=words, prog_name="tumorlens", standalone_mode=False)
    except BrokenPipeError:
        raise  # the reader of standard output has gone: see `entry`
    except (KeyboardInterrupt, typer.Abort):
        result = ExitCode.INTERRUPTED
    except Exception as error:
        return _failed(error)
    if result == ExitCode.INTERRUPTED:  # newer releases of typer return it, older ones raise
        return fail("interrupted", ExitCode.INTERRUPTED)
    return int(result) if isinstance(result, int) else ExitCode.DONE


def _failed(error: Exception) -> int:
    """Print one line about an error, after its traceback if --debug is given; returns the exit code."""
    # Wrong usage, as click raises it; its class has moved between releases of typer.
    if hasattr(error, "exit_code") and hasattr(error, "format_message"):
        return _wrong_usage(error.format_message(), getattr(error, "ctx", None), int(error.exit_code))
    if Tracebacks.shown:
        traceback.print_exception(error)
    if isinstance(error, TumorlensError):
        return fail(str(error), ExitCode.ATTENTION if isinstance(error, ParityError) else ExitCode.FAILED)
    if isinstance(error, OSError):
        return fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    advice = "" if Tracebacks.shown else "; run it again with --debug, and report it with what that prints"
    return fail(f"a bug in tumorlens, please report it: {reason}{advice}", ExitCode.BUG)


def entry() -> None:
    """The installed program."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the shell, as in `tumorlens predict ... >&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (as long as the program)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file name need not be UTF-8, nor the terminal
            stream.reconfigure(errors="backslashreplace")
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:  # as in `tumorlens predict ... | head`: no traceback, also not at the last flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.FAILED
    sys.exit(int(code))


def _wrong_usage(message: str, context: typer.Context | None, code: int) -> int:
    """Print one line that names the help, unless the help was printed already."""
    if not message:  # older releases of typer print the help themselves where there is no argument
        return code
    if context and message == context.get_help():
        typer.echo(message.rstrip(), err=True)
        return code
    command = context.command_path if context else "tumorlens"
    return fail(f"{message.rstrip('.')}; see: {command} --help", code)
