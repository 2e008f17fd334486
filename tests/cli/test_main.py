"""The command line as a whole: version, help, exit codes, one line of error."""

from __future__ import annotations

import io
import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

import tumorlens
from tumorlens.cli import app, entry, main
from tumorlens.cli.common import ExitCode, Panel
from tumorlens.cli.examples import EXAMPLES
from tumorlens.cli.verbs import VERBS, summary
from tumorlens.datasets import DATASETS, Dataset
from tumorlens.errors import ParityError

COMMANDS: dict[str, Any] = dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
GROUPS = [name for name, command in COMMANDS.items() if hasattr(command, "commands")]
PANELS = [title for name, title in vars(Panel).items() if not name.startswith("_")]


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tumorlens {tumorlens.__version__}\n"


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for verb in VERBS:
        assert f"│ {verb} " in out
    assert "not a medical device" in out


def test_short_options_print_the_same_as_long_ones(capsys: pytest.CaptureFixture[str]) -> None:
    for short, long in (["-h"], ["--help"]), (["-V"], ["--version"]), (["predict", "-h"], ["predict", "--help"]):
        printed = []
        for arguments in (short, long):
            assert main(arguments) == 0
            printed.append(capsys.readouterr().out)
        assert printed[0] == printed[1] != ""


def test_a_verb_that_was_made_alone_still_knows_the_short_help(capsys: pytest.CaptureFixture[str]) -> None:
    COMMANDS["networks"].commands["info"].make_context("info", ["brainmrnet"])  # without its parents, as libraries do
    assert main(["networks", "info", "-h"]) == 0
    assert "Usage: tumorlens networks info" in capsys.readouterr().out


def verbs() -> list[list[str]]:
    inner = [[name, verb] for name in GROUPS for verb in COMMANDS[name].commands]
    return [[name] for name in COMMANDS if name not in GROUPS] + inner


def test_the_list_of_verbs_gives_the_first_sentence_of_the_help_of_each() -> None:
    assert {name: summary(command.help) for name, command in COMMANDS.items()} == VERBS


@pytest.mark.parametrize("arguments", [["--help"], ["predict", "--help"]], ids=" ".join)
def test_the_help_imports_what_it_needs_alone(arguments: list[str]) -> None:
    code = f"import sys, tumorlens.cli as c; c.main({arguments}); print(*sys.modules, file=sys.stderr)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr.split()
    assert "tumorlens.cli" in loaded
    assert {"pydantic", "numpy", "onnxruntime", "tumorlens.cli.train_command"} & set(loaded) == set()


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_name_of_an_option_is_cut_off_and_no_line_is_too_long(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for verb in verbs():
        assert main([*verb, "--help"]) == 0
        page = capsys.readouterr().out.partition("Examples:")[0]
        assert {len(line) for line in page.splitlines() if line.startswith(("│", "╭", "╰"))} == {min(columns, 100)}
        for option in leaf(verb).get_params(typer.Context(leaf(verb))):
            assert all(name in page for name in (*option.opts, *option.secondary_opts) if name.startswith("-"))


def leaf(verb: list[str]) -> Any:
    """The command of a verb."""
    command = COMMANDS[verb[0]]
    return command.commands[verb[1]] if len(verb) > 1 else command


@pytest.mark.parametrize("verb", verbs(), ids=" ".join)
def test_the_help_of_each_verb_has_two_examples_and_the_shared_options(
    verb: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*verb, "--help"]) == 0
    options, _, examples = capsys.readouterr().out.partition("Examples:")
    assert examples.count(f"tumorlens {' '.join(verb)}") == 2
    for option in ("--verbose", "-v", "--quiet", "-q", "--debug", "-h"):
        assert option in options


@pytest.mark.parametrize("verb", verbs(), ids=" ".join)
def test_every_option_of_a_verb_is_in_a_panel(verb: list[str]) -> None:
    command = leaf(verb)
    options = [one for one in command.get_params(typer.Context(command)) if one.param_type_name == "option"]
    used = list(dict.fromkeys(one.rich_help_panel for one in options))
    assert used == [title for title in PANELS if title in used]
    assert "--help" in options[-1].opts


def test_every_panel_is_used_and_there_is_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in verbs():
        main([*verb, "--help"])
    out = capsys.readouterr().out
    assert set(re.findall(r"╭─ ([\w ]+?) ─", out)) == {"Arguments", *PANELS}


def test_no_verb_lacks_examples_and_no_example_lacks_its_verb() -> None:
    assert sorted(EXAMPLES) == sorted(" ".join(verb) for verb in verbs())


@pytest.mark.parametrize("group", [[], ["data"], ["networks"], ["recipes"]])
def test_no_summary_of_a_verb_is_cut_off(group: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main([*group, "--help"])
    _, _, commands = capsys.readouterr().out.partition("Commands ─")
    assert commands.count("│") >= 4
    assert "..." not in commands
    assert "…" not in commands


@pytest.mark.parametrize("arguments", [[], ["data"], ["networks"], ["recipes"]])
def test_without_a_verb_the_help_is_printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert (out + err).strip().startswith("Usage: tumorlens")
    assert "error" not in out + err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "--bogus"], "--bogus"),
        (["nonsense"], "nonsense"),
        (["predict"], "see: tumorlens predict --help"),
        (["evaluate", "run", "--subset", "tset"], "'tset'; expected test, val"),
        (["evaluate", "run", "--subset", "val", "--data", "x"], "leave it out"),
        (["evaluate", "run", "--n-resamples", "5"], "100"),
        (["train", "x", "--split-by", "slice"], "'slice'; expected patient, image"),
        (["predict", "x.png", "--model", "m.onnx", "--overlays"], "needs --out-dir"),
    ],
)
def test_wrong_usage_exits_with_2_and_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TUMORLENS_MODEL", raising=False)
    assert main(arguments) == ExitCode.USAGE == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize(
    "arguments", [["predict", ""], ["predict", "x.png", "-m", ""], ["data", "table", "", "-o", "t.csv"], ["models", ""]]
)
def test_an_empty_argument_is_wrong_usage_and_not_the_working_folder(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error: an empty argument; expected a name; is a variable of the shell not set?\n"


@pytest.mark.parametrize("name", ["new\nline.png", "bell\a.png", "zero\0.png"])
def test_a_control_character_in_a_name_does_not_break_the_line_of_an_error(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", name, "-m", "tiny"]) == ExitCode.FAILED
    err = capsys.readouterr().err
    assert err.startswith(f"error: {ascii(name)[1:-1]}: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recipes", "show", sys.executable], "is not UTF-8; expected YAML"),
        (["evaluate", "no-run"], "expected the folder of a finished 'tumorlens train'"),
        (["predict", "x.png", "-m", "missing.onnx"], "missing.onnx: no such file"),
        (["train", "no-data", "--out-dir", "run"], "no-data: no such file or folder"),
        (["train", "no-data", "-o", "run", "--set", "optimizr.lr=1"], "did you mean optimizer?"),
        (["train", "no-data", "--recipe", "finetun"], "did you mean finetune?"),
        (["data", "info", "figshar"], "did you mean figshare?"),
        (["data", "get", "phantom", "there"], "phantom: has no download"),
        (["networks", "info", "efficientnet_lite"], "did you mean efficientnet_lite"),
    ],
)
def test_a_failure_exits_with_1_and_one_line(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == ExitCode.FAILED == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_line(
    phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    assert main(["data", "table", str(phantoms), "--output", str(file / "table.csv")]) == ExitCode.FAILED
    *notes, error = capsys.readouterr().err.splitlines()
    assert str(file) in error
    assert all(line.startswith("note: ") for line in notes)


def raise_from(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `data info` raise this error."""

    def raising(name: str) -> None:
        raise error

    monkeypatch.setattr("tumorlens.datasets.dataset", raising)


def test_a_model_file_that_differs_from_its_network_exits_with_3(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    raise_from(ParityError("model.onnx: differs"), monkeypatch)
    assert main(["data", "info", "figshare"]) == ExitCode.ATTENTION == 3
    assert capsys.readouterr().err == "error: model.onnx: differs\n"


def test_a_bug_exits_with_70_and_one_line_and_shows_its_traceback_on_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    raise_from(ZeroDivisionError("by\nzero"), monkeypatch)
    assert main(["data", "info", "figshare"]) == ExitCode.BUG == 70
    line = "error: a bug in tumorlens, please report it: ZeroDivisionError: by zero"
    assert capsys.readouterr().err == f"{line}; run it again with --debug, and report it with what that prints\n"
    assert main(["data", "info", "figshare", "--debug"]) == ExitCode.BUG
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first.startswith("Traceback")
    assert last == line


def test_an_error_of_the_user_shows_its_traceback_with_debug_alone(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, traces in (["data", "info", "x", "--debug"], 1), (["data", "info", "x"], 0):
        assert main(arguments) == ExitCode.FAILED
        assert capsys.readouterr().err.count("Traceback") == traces


def test_quiet_drops_messages_and_verbose_adds_details(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = logging.getLogger("tumorlens.datasets")

    def speaking(name: str) -> Dataset:
        logger.debug("a detail")
        logger.info("a message")
        logger.warning("a warning")
        return DATASETS[name]

    monkeypatch.setattr("tumorlens.datasets.dataset", speaking)
    for option, lines in (
        (["-q"], ["a warning"]),
        ([], ["a message", "a warning"]),
        (["-v"], ["a detail", "a message", "a warning"]),
    ):
        assert main(["data", "info", "figshare", *option]) == 0
        assert capsys.readouterr().err.splitlines() == lines
    assert main(["data", "info", "figshare", "-q", "-v"]) == ExitCode.USAGE


def test_messages_of_the_package_are_plain_lines_on_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = logging.getLogger("tumorlens.datasets")

    def speaking(name: str) -> Dataset:
        logger.debug("the cache is used")
        logger.info("%s: one message", name)
        return DATASETS[name]

    before = logging.getLogger("tumorlens").level, list(logging.getLogger("tumorlens").handlers)
    monkeypatch.setattr("tumorlens.datasets.dataset", speaking)
    assert main(["data", "info", "figshare", "--json"]) == ExitCode.DONE
    out, err = capsys.readouterr()
    assert err == "figshare: one message\n"
    assert out.startswith("{")
    assert before == (logging.getLogger("tumorlens").level, logging.getLogger("tumorlens").handlers)


def test_an_interrupt_exits_with_130(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    raise_from(KeyboardInterrupt(), monkeypatch)
    assert main(["data", "info", "figshare"]) == ExitCode.INTERRUPTED == 130
    assert capsys.readouterr().err == "error: interrupted\n"


def test_a_closed_pipe_prints_no_traceback() -> None:
    command = [sys.executable, "-m", "tumorlens", "data", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == ExitCode.FAILED


def test_standard_output_that_the_shell_closed_is_no_error() -> None:
    done = subprocess.run(
        [f"{sys.executable} -m tumorlens data list >&-"], shell=True, stderr=subprocess.PIPE, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (ExitCode.DONE, "")


@pytest.mark.skipif(shutil.which("bash") is None, reason="completion is that of bash")
@pytest.mark.parametrize(
    ("typed", "offered"), [("ev", "evaluate"), ("predict --thr", "--threads"), ("data sp", "split")]
)
def test_bash_completes_verbs_and_options(typed: str, offered: str, tmp_path: Path) -> None:
    program = tmp_path / "tumorlens"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.argv[0] = 'tumorlens'\nfrom tumorlens.cli import entry\nentry()\n"
    )
    program.chmod(0o755)
    script = (
        f'PATH="{tmp_path}:$PATH"; eval "$(_TUMORLENS_COMPLETE=source_bash tumorlens)"; '
        f"COMP_WORDS=(tumorlens {typed}); COMP_CWORD={len(typed.split())}; _tumorlens_completion tumorlens; "
        'echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [offered]


class Stream(io.StringIO):
    """A standard output whose reader may have gone."""

    def __init__(self, gone: bool) -> None:
        super().__init__()
        self.gone = gone

    def flush(self) -> None:
        if self.gone:
            raise BrokenPipeError


def test_the_program_exits_with_the_code_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Stream(gone=False))
    for arguments, code in (["data", "list"], ExitCode.DONE), (["data", "info", "x"], ExitCode.FAILED):
        monkeypatch.setattr(sys, "argv", ["tumorlens", *arguments])
        with pytest.raises(SystemExit) as found:
            entry()
        assert found.value.code == code


def test_the_program_opens_streams_that_the_shell_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["tumorlens", "data", "list"])
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit) as found:
        entry()
    assert found.value.code == ExitCode.DONE
    assert sys.stdout.name == os.devnull
    sys.stdout.close()


def test_a_name_that_is_not_utf_8_can_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(written, encoding="ascii", errors="strict"))
    monkeypatch.setattr(sys, "argv", ["tumorlens", "data", "info", "k\u00f6pfe"])
    with pytest.raises(SystemExit) as found:
        entry()
    sys.stderr.flush()
    assert found.value.code == ExitCode.FAILED
    assert b"k\\xf6pfe" in written.getvalue()


def test_a_reader_that_has_gone_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    replaced: list[int] = []
    monkeypatch.setattr(os, "dup2", lambda _, target: replaced.append(target))
    stream = Stream(gone=True)
    monkeypatch.setattr(stream, "fileno", lambda: 77)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "argv", ["tumorlens", "data", "list"])
    with pytest.raises(SystemExit) as found:
        entry()
    assert found.value.code == ExitCode.FAILED
    assert replaced == [77]
    stream.gone = False


def test_an_abort_is_an_interrupt_and_an_error_of_the_system_names_its_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    raise_from(typer.Abort(), monkeypatch)
    assert main(["data", "info", "figshare"]) == ExitCode.INTERRUPTED
    raise_from(OSError(28, "No space left on device", "out.csv"), monkeypatch)
    assert main(["data", "info", "figshare"]) == ExitCode.FAILED
    raise_from(OSError("disk gone"), monkeypatch)
    assert main(["data", "info", "figshare"]) == ExitCode.FAILED
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["error: interrupted", "error: out.csv: No space left on device", "error: disk gone"]
