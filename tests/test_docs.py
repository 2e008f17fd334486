"""The documentation, run: Python blocks work, commands parse, references are complete, links lead somewhere."""

from __future__ import annotations

import json
import logging
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from PIL import Image
from pydantic import BaseModel

import tumorlens
from tests.conftest import beside_tests, build_once
from tests.fixtures.known_graph import use_benchmark_graph, use_graph
from tumorlens import errors
from tumorlens.cli import app, main
from tumorlens.datasets.phantom import STUDY_SERIES, make, phantom_study

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TUTORIAL = ROOT / "docs" / "tutorial.md"
REFERENCE = ROOT / "docs" / "reference"
LONGEST_LINE = 160
CLASSES = ("glioma", "meningioma", "pituitary", "no_tumor")

# What the commands of the tutorial get on top, so that they take seconds; the last of two options counts.
TINY = {
    "data phantom": ["--patients", "24", "--slices", "1", "--size", "64"],
    "train": ["--set", "epochs=2"],
    "evaluate": ["--n-resamples", "100"],
}


trains = pytest.mark.slow  # the examples need a run, and some of them train: half a minute together


@dataclass(frozen=True)
class Block:
    """A fenced block: its info string, its text, and the line where the text begins."""

    info: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```([^\n`]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(m[1].strip(), m[2], text.count("\n", 0, m.start(2)) + 1) for m in found]


def commands(block: Block) -> list[list[str]]:
    """The arguments of every `tumorlens ...` in a bash block; shell variables stand for a 0."""
    script = re.sub(r"\$\w+", "0", block.text.replace("\\\n", " "))
    found: list[list[str]] = []
    for line in script.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.commenters, lexer.whitespace_split = "#", True
        word: list[str] | None = None
        for token in lexer:
            if set(token) <= set(";&|<>()"):
                word = None
            elif word is None and not re.match(r"[A-Z_]+=", token):  # a variable may be set for one command
                word = [token]
                if token == "tumorlens":
                    found.append(word)
            elif word is not None:
                word.append(token)
    return [words[1:] for words in found]


def leaves(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every verb with its name, ``"data split"`` for one below a group."""
    for name, child in getattr(command, "commands", {}).items():
        yield from leaves(child, (*words, name))
    if not hasattr(command, "commands"):
        yield " ".join(words), command


VERBS = dict(leaves(typer.main.get_command(app)))


def parse(arguments: list[str]) -> None:
    """Parse as the program would, and do nothing; wrong usage is raised as click raises it."""
    if arguments in (["--version"], ["--help"]):
        return
    name = next((n for n in (" ".join(arguments[:2]), arguments[0]) if n in VERBS), None)
    assert name is not None, f"no such verb: {arguments}"
    VERBS[name].make_context(name, arguments[len(name.split()) :])


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Path:
    """The files that the examples talk about: heads, a finished run, a model file, and sets in some layouts."""
    return build_once(tmp_path_factory, beside_tests("docs"), lambda place: _prepare(place, shared_cache))


def _prepare(place: Path, shared_cache: Path) -> None:
    from pydicom import examples

    place.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUMORLENS_CACHE", str(shared_cache))
        make(place / "heads", patients=24, slices=1, size=64)
        table = tumorlens.open_table(place / "heads")
        split = tumorlens.split_folds(table, folds=3, val=0.2)
        run = tumorlens.train(split, tumorlens.load_recipe("demo", ["epochs=1"]), place / "my-run")
        assert main(["evaluate", str(run.folder), "--n-resamples", "100"]) == 0
        tumorlens.export(run, place / "my-run" / "model.onnx")
    shutil.copy(place / "my-run" / "model.onnx", place)
    shutil.copy(table.samples[0].image, place / "scan.png")
    (place / "broken.png").write_bytes(b"not an image")
    shutil.copy(examples.get_path("mr"), place / "scan.dcm")
    phantom_study(place / "study", slices=5, size=64, series=STUDY_SERIES[1:4])
    for fold in (0, 1):
        shutil.copytree(
            place / "my-run" / "evaluations" / "test", place / "runs" / f"fold-{fold}" / "evaluations" / "test"
        )
    for number, sample in enumerate(table.samples):
        assert sample.group
        by_class = place / "slices" / sample.label
        by_class.mkdir(parents=True, exist_ok=True)
        shutil.copy(sample.image, by_class / f"{sample.group.split(':')[1]}_{number}.png")
    _nickparvar(place / "downloads" / "nickparvar", [s.image for s in table.samples if s.label == "no_tumor"][:3])


def _nickparvar(root: Path, images: list[Path]) -> None:
    """Three images without tumor, each of them mirrored in the other subset."""
    for number, path in enumerate(images):
        original = Image.open(path)
        for part, image in (("Training", original), ("Testing", original.transpose(Image.Transpose.FLIP_LEFT_RIGHT))):
            (root / part / "notumor").mkdir(parents=True, exist_ok=True)
            image.save(root / part / "notumor" / f"{part}-{number}.jpg", quality=90)


@pytest.fixture
def workplace(
    prepared: Path, mini_resnet_graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A copy of what is prepared, to work in; nothing an example registers stays, and no network is traced again."""
    from tumorlens.models import registry

    use_graph(monkeypatch, prepared / "model.onnx")
    use_benchmark_graph(monkeypatch, mini_resnet_graph)
    place = tmp_path / "work"
    shutil.copytree(prepared, place)
    monkeypatch.chdir(place)
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
    logger = logging.getLogger("tumorlens")
    level, handlers = logger.level, list(logger.handlers)
    yield place
    logger.setLevel(level)
    logger.handlers[:] = handlers


def run_python(page: Path, block: Block, names: dict[str, Any]) -> None:
    """Run a block; an error points into the page."""
    source = "\n" * (block.line - 1) + block.text
    exec(compile(source, str(page), "exec"), names)


def with_python() -> list[Path]:
    return [p for p in PAGES if p != TUTORIAL and any(b.info == "python" for b in blocks(p))]


@trains
@pytest.mark.parametrize("page", with_python(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_the_python_blocks_of_a_page_run_one_after_the_other(page: Path, workplace: Path) -> None:
    names: dict[str, Any] = {"__name__": "__docs__"}
    shown = [block for block in blocks(page) if block.info == "python"]
    assert shown
    for block in shown:
        run_python(page, block, names)
    assert len(names) > 1  # they did something that the next block could build on
    for number, (name, example) in enumerate(list(names.items())):
        if name.startswith("test_"):  # a test that the page shows must pass, too
            folder = workplace / f"shown-{number}"
            folder.mkdir()
            example(**({"tmp_path": folder} if example.__code__.co_argcount else {}))


def test_few_blocks_are_exempt_and_all_have_a_known_language() -> None:
    infos = [b.info for page in PAGES for b in blocks(page)]
    assert set(infos) <= {"python", "python no-run", "bash", "text", "yaml"}
    assert infos.count("python no-run") <= 3


@trains
def test_the_tutorial_works_from_its_first_line_to_its_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in blocks(TUTORIAL):
        if block.info == "python":
            run_python(TUTORIAL, block, names)
        for words in commands(block) if block.info == "bash" else []:
            verb = next((v for v in TINY if words[: len(v.split())] == v.split()), "")
            assert main([*words, *TINY.get(verb, [])]) == 0, words
    assert (tmp_path / "predictions" / "predictions.csv").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_command_on_a_page_is_one_the_program_understands(page: Path) -> None:
    refused = []
    for block in blocks(page):
        for words in commands(block) if block.info == "bash" else []:
            try:
                parse(words)
            except Exception as error:
                message = error.format_message() if hasattr(error, "format_message") else str(error)
                refused.append(f"{page.name}, after line {block.line}: tumorlens {shlex.join(words)}: {message}")
    assert refused == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.is_file(), f"{page.name} links to {target}, which is not there"
        assert not anchor or anchor in anchors(file), f"{page.name} links to {target}; it has {anchors(file)}"


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "benchmarks" / "README.md"], ids=lambda p: p.relative_to(ROOT).as_posix()
)
def test_prose_has_one_sentence_a_line_and_short_lines(page: Path) -> None:
    found = []
    fenced = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        fenced ^= line.startswith("```")
        if line.startswith(("|", "#")):
            continue
        text = re.sub(r"\]\([^)]*\)", "]", line)  # a link may be long
        if len(text) > LONGEST_LINE:
            found.append(f"{page.name}:{number}: {len(text)} characters; expected at most {LONGEST_LINE}")
        if not fenced and re.search(r"\w\w[)`*]*[.?!] (?=[A-Z])(?<!\bal\. )", re.sub(r"`[^`]*`", "``", text)):
            found.append(f"{page.name}:{number}: two sentences; expected one a line")
    assert found == []


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub names them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def sections(page: Path) -> dict[str, str]:
    """Title -> text of every section of the second level."""
    parts = re.split(r"^## (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_command_line_reference_names_every_verb_and_no_other() -> None:
    assert set(sections(REFERENCE / "cli.md")) == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_the_command_line_reference_names_every_option_and_no_other(verb: str) -> None:
    text = sections(REFERENCE / "cli.md")[verb]
    (listed,) = re.findall(r"^Options: ((?:.+\n)+)", text, re.MULTILINE)
    known: set[str] = set()
    for parameter in VERBS[verb].params:
        argument = parameter.param_type_name == "argument"
        known |= {parameter.name} if argument else {*parameter.opts, *parameter.secondary_opts}
    shared = {"-h", "--help", "-v", "--verbose", "-q", "--quiet", "--debug"}
    assert sorted(re.findall(r"`([^`]+)`", listed)) == sorted(known - shared)
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL).replace(listed, "")
    assert set(re.findall(r"`(--[\w-]+)", prose)) <= known  # what is explained exists
    intro = (REFERENCE / "cli.md").read_text(encoding="utf-8").partition("\n## ")[0]
    assert all(f"`{option}`" in intro for option in shared)


def keys(part: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every key of a recipe with its default as YAML shows it."""
    for name, field in part.model_fields.items():
        if isinstance(field.default, BaseModel):
            yield from keys(type(field.default), f"{prefix}{name}.")
        elif field.is_required():
            yield prefix + name, "required"
        else:
            value = field.default or json.dumps(field.default)
            yield prefix + name, f"`{value if isinstance(value, str) else json.dumps(value)}`"


def test_the_recipe_reference_gives_every_key_with_its_default_and_no_other() -> None:
    from tumorlens.training import Recipe

    text = sections(REFERENCE / "recipes.md")["Keys"]
    rows = dict(re.findall(r"^\| `([\w.]+)` \| (\S[^|]*?) \|", text, re.MULTILINE))
    assert rows == dict(keys(Recipe))


def test_the_recipe_reference_gives_every_option_of_every_network_and_no_other() -> None:
    from tumorlens import list_networks
    from tumorlens.models import architecture_info

    text = sections(REFERENCE / "recipes.md")["Options of the networks"]
    rows = re.findall(r"^\| `([\w*?]+)` \| `(\w+)` \| `([^`]+)` \|", text, re.MULTILINE)
    for name in list_networks():
        said = {option: yaml.safe_load(default) for network, option, default in rows if fnmatch(name, network)}
        assert said == architecture_info(name).options, name
    assert [network for network, _, _ in rows if not any(fnmatch(name, network) for name in list_networks())] == []


def test_the_recipe_reference_names_every_shipped_recipe() -> None:
    from tumorlens.training import shipped

    text = sections(REFERENCE / "recipes.md")["Shipped recipes"]
    assert sorted(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == shipped()
    for block in blocks(REFERENCE / "recipes.md"):
        if block.info == "yaml":
            assert yaml.safe_load(block.text)["extends"] in shipped()


@trains
def test_the_file_reference_names_all_that_a_run_folder_holds(prepared: Path) -> None:
    run = prepared / "my-run"
    wanted = {p.name + "/" * p.is_dir() for p in run.iterdir()} | {
        p.name for p in (run / "evaluations" / "test").iterdir()
    }
    wanted |= set(json.loads((run / "run.json").read_text(encoding="utf-8")))
    wanted |= set(json.loads((run / "model.json").read_text(encoding="utf-8")))
    wanted |= set(tumorlens.predict(prepared / "scan.png", prepared / "model.onnx").to_dict())
    text = (REFERENCE / "files.md").read_text(encoding="utf-8")
    assert sorted(wanted - set(re.findall(r"`([^`]+)`", text))) == []


@trains
def test_the_file_reference_gives_the_keys_of_evaluations_and_cards_and_no_other(prepared: Path) -> None:
    text = (REFERENCE / "files.md").read_text(encoding="utf-8")
    evaluation = json.loads(
        (prepared / "my-run" / "evaluations" / "test" / "evaluation.json").read_text(encoding="utf-8")
    )
    estimate = evaluation["overall"]["accuracy"]
    for begins, wanted in (
        ("### `evaluation.json`", set(evaluation)),
        ("An estimate is an object:", set(estimate)),
        ("### The card", set(tumorlens.load(prepared / "model.onnx").card.model_dump())),
    ):
        rows = re.findall(r"(?:^\|.*\n)+", text.partition(begins)[2], re.MULTILINE)[0]
        first = " ".join(row.split("|")[1] for row in rows.splitlines())
        assert set(re.findall(r"`([^`]+)`", first)) == wanted


def written_keys(value: Any) -> Iterator[str]:
    """Every key of a JSON value, except those that are data: classes, artifacts, paths, and packages."""
    if isinstance(value, list):
        for inner in value:
            yield from written_keys(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in ("versions", "artifacts"):
                yield key
            elif key in CLASSES:
                yield from written_keys(inner)
            else:
                yield key
                yield from written_keys(inner)


@trains
def test_the_file_reference_names_every_key_that_is_written(workplace: Path) -> None:
    assert main(["predict", "scan.png", "--model", "model.onnx", "-o", "predictions"]) == 0
    assert main(["audit", "heads", "-o", "audit"]) == 0
    evaluation = workplace / "my-run" / "evaluations" / "test"
    written = [
        *[
            json.loads((workplace / "predictions" / name).read_text("utf-8"))
            for name in ("predictions.jsonl", "run.json")
        ],
        *[json.loads((workplace / "audit" / name).read_text("utf-8")) for name in ("audit.json", "run.json")],
        *[json.loads((evaluation / name).read_text("utf-8")) for name in ("evaluation.json", "run.json")],
    ]
    named = set(re.findall(r"`([^`]+)`", (REFERENCE / "files.md").read_text(encoding="utf-8")))
    assert sorted({key for content in written for key in written_keys(content)} - named) == []


def test_no_table_of_the_file_reference_gives_a_key_twice() -> None:
    for title, text in re.findall(
        r"^##+ (.+)\n((?:(?!##).*\n)*)", (REFERENCE / "files.md").read_text("utf-8"), re.MULTILINE
    ):
        for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            first = [name for row in table.splitlines() for name in re.findall(r"`([^`]+)`", row.split("|")[1])]
            assert len(first) == len(set(first)), f"{title}: {first}"


def test_the_python_reference_names_every_public_name_and_every_error() -> None:
    text = (REFERENCE / "python.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\w+)", text, re.MULTILINE))
    mendable = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.TumorlensError) and kind is not errors.TumorlensError
    }
    assert named == set(tumorlens.__all__) | mendable


def test_the_glossary_is_sorted_and_the_pages_it_cites_use_the_term() -> None:
    page = REFERENCE / "glossary.md"
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)[1:]
    terms = [term.lower() for term, _, _ in rows]
    assert terms == sorted(terms)
    assert len(terms) > 40
    for term, _, source in rows:
        for target in re.findall(r"\]\(([^)#]+)", source):
            text = (page.parent / target).read_text(encoding="utf-8").lower().replace("_", " ")
            assert any(word in text for word in term.lower().split(", ")), f"{target} does not use '{term}'"


def test_the_readme_names_every_verb() -> None:
    rows = sections(ROOT / "README.md")["On the command line"].splitlines()
    for verb in VERBS:
        group, _, name = verb.rpartition(" ")
        assert any(row.startswith(f"| `tumorlens {group}") and f"{name}`" in row for row in rows), verb
