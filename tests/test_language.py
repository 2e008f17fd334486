"""The field's words: no private term in identifiers, options, keys, messages and documentation.

Run as a program it lists what it finds: ``python -m tests.test_language [PATH ...]``.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Unambiguous: wherever they stand. Pattern -> the term to use.
ANYWHERE = {
    r"pictures?": "image",
    r"tumours?\w*": "tumor",
    r"twins?": "(near-)duplicate",
    r"torn|tears? patients": "image-level split, patient-level leakage",
    r"artefacts?": "artifact",
    r"colou?r?ours?|colour\w*": "color",
    r"grey\w*": "gray",
    r"licences?": "license",
    r"centre[sd]?|centring": "center",
    r"neighbour\w*": "neighbor",
    r"catalogues?": "catalog",
    r"behaviour\w*": "behavior",
    r"favour\w*": "favor",
    r"(?:milli|centi|kilo|micro)?metres?": "meter",
    r"(?:milli)?litres?": "liter",
    r"\w*(?:normal|optim|recogn|random|initial|summar|minim|maxim|standard|organ|general|visual|quant|local|regular)is"
    r"(?:e|ed|es|er|ing|ation)s?": "-ize, -ization",
    r"labell(?:ed|ing)|unlabelled|modell(?:ed|ing)|learnt|analys(?:e|ed|ing)": "American spelling",
    r"cautions?": "caveat",
    r"bundles?": "model file",
    r"says? no": "selective prediction, abstain",
    r"cohorts?": "sampling units, ClusterBootstrap",
    r"from elsewhere|strangers?": "external (test set, image)",
    r"look of a scanner|another look": "acquisition shift",
    r"known from train": "leaked from train",
    r"true masks?|true outlines?": "reference mask",
    r"(?:test|validation|training|held-out) parts?|parts? held out": "subset",
    r"draws? (?:a|the|no) (?:tumor|mask)s?": "segments",
    r"drawn (?:tumor|mask|outline)s?|tumors? (?:is|are|was|were) drawn": "segmented",
    r"what is drawn|how well it draws|drawn as tumor|drawn in(?:to)?": "segmented, predicted mask",
    r"is (?:named|called) (?:right|wrong)|named (?:right|wrong|so)|names? \w+ right": "correctly classified",
    r"max-error|largest error": "coverage",
    r"reporting sheets?|fill(?:s|ed)? (?:in )?(?:a|the) sheet": "reporting checklist",
    r"familiar": "in-distribution",
    r"settles?": "prior correction; resolve",
    r"transplant\w*|donors?": "lesion copy-paste",
    r"head blanked|tumor blanked|blanked|headless": "occluded",
    r"published systems?|five systems": "published method",
    r"reads where it draws": "mask-guided pooling",
    r"energy inside": "relevance mass accuracy",
    r"stamp(?:s|ed)?": "fails (sanity check)",
}

# Ambiguous in prose: as a word of an identifier, of an option, or as a key in JSON. Word -> the term to use.
NAMES = {
    **dict.fromkeys(("drawn", "drawing", "drawings"), "segmented, predicted mask, rendered"),
    **dict.fromkeys(("truth", "truths"), "reference, target"),
    **dict.fromkeys(("look", "looks"), "image_record"),
    **dict.fromkeys(("thumb", "thumbs"), "thumbnail"),
    **dict.fromkeys(("tie", "ties"), "groups"),
    **dict.fromkeys(("doubt", "doubts", "remark", "remarks"), "flags, reason"),
    **dict.fromkeys(("canvas", "canvases", "placement", "placements"), "input_geometry, crop_window"),
    **dict.fromkeys(("said", "says", "say"), "predicted, reported, message"),
    **dict.fromkeys(("answer", "answers"), "prediction, output"),
    **dict.fromkeys(("figures",), "metrics, estimates"),
    **dict.fromkeys(("arm", "arms", "sweep", "sweeps"), "variant, ablation"),
    **dict.fromkeys(("foreign", "elsewhere"), "external"),
    **dict.fromkeys(("outside",), "ood (or outside_head)"),
    **dict.fromkeys(("reach", "margin"), "threshold"),
    **dict.fromkeys(("trust",), "faithfulness"),
    **dict.fromkeys(("separate", "apart"), "leakage, clean"),
    **dict.fromkeys(("damage", "damages"), "integrity"),
    **dict.fromkeys(("resamples",), "n_resamples"),
    **dict.fromkeys(("rectangles",), "box_masks"),
    **dict.fromkeys(("agrees",), "consistent"),
    **dict.fromkeys(("grow", "guide"), "progressive_resizing, cam_guidance"),
    **dict.fromkeys(("asked",), "requested"),
}
NAME_EXCEPTIONS = {"outside_head", "n_resamples", "n-resamples", "outside_heads", "outside_of_heads"}

# (file, what is found) -> why it stays. At most 20; one that is not needed any more fails.
EXCEPTIONS: dict[tuple[str, str], str] = {}

SKIPPED = ("src/tumorlens/_legacy.py", "tests/test_language.py", "docs/reference/glossary.md")


@dataclass(frozen=True)
class Violation:
    """A private word, where it stands, and the term to use."""

    file: str
    line: int
    found: str
    use: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: '{self.found}'; use: {self.use}"


_START = r"\w*"


def _either(inside: bool) -> str:
    """The patterns that begin inside of a word, or those that begin with it."""
    numbered = [(i, pattern) for i, pattern in enumerate(ANYWHERE) if pattern.startswith(_START) == inside]
    return "|".join(rf"(?P<p{i}>{pattern.removeprefix(_START)})".replace(" ", r"\s+") for i, pattern in numbered)


# Where a word begins is looked for once, not for every pattern, and the start of a word is not tried in every length.
_ANYWHERE = re.compile(rf"(?:(?<![a-z])(?=[a-z])(?:{_either(False)})|{_either(True)})(?![a-z])", re.IGNORECASE)
_USES = list(ANYWHERE.values())


def words_of(name: str) -> list[str]:
    """The words of an identifier, in lower case: of `SomeName` and `some_name` alike."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def in_prose(text: str, file: str, first: int = 1) -> Iterator[Violation]:
    """Private terms in any text; a term may be broken over two lines."""
    for found in _ANYWHERE.finditer(re.sub(r"\n[ \t]*(?:# )?", lambda gap: "\n" + " " * (len(gap[0]) - 1), text)):
        number = next(i for i in range(len(_USES)) if found[f"p{i}"] is not None)
        start = re.search(r"\w*$", text[max(0, found.start() - 40) : found.start()])
        word = (start[0] if start else "") + found[0]
        yield Violation(file, first + text.count("\n", 0, found.start()), word, _USES[number])


def in_name(name: str, file: str, line: int) -> Iterator[Violation]:
    """Ambiguous words in an identifier, an option or a key."""
    if name in NAME_EXCEPTIONS:
        return
    for word in words_of(name.replace("outside_head", "")):  # a region of the image, not of a distribution
        if word in NAMES:
            yield Violation(file, line, name, NAMES[word])


def defined(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that a module defines, with its line: of functions, classes, parameters, variables and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname, node.lineno
        elif isinstance(node, ast.Dict):
            for key in node.keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.isidentifier():
                    yield key.value, key.lineno
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("--"):
            yield node.value.lstrip("-"), node.lineno


def in_source(path: Path, file: str) -> Iterator[Violation]:
    """Private terms in a Python file of the product."""
    text = path.read_text(encoding="utf-8")
    yield from in_prose(text, file)
    for name, line in defined(ast.parse(text)):
        yield from in_name(name, file, line)


def in_tests(path: Path, file: str) -> Iterator[Violation]:
    """Private terms in the names of a test file: the file's own, and those of its functions and classes."""
    yield from in_prose(file, file)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield from in_prose(node.name.replace("_", " "), file, node.lineno)
            yield from in_name(node.name if not node.name.startswith("test_") else "", file, node.lineno)


def everything(paths: list[str] | None = None) -> list[Violation]:
    """What is found in the files below these paths, or in all of the product, exceptions included."""
    found: list[Violation] = []
    for root in ("src", "tests", "docs", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        below = [ROOT / root] if (ROOT / root).is_file() else sorted((ROOT / root).rglob("*"))
        for path in below:
            file = path.relative_to(ROOT).as_posix()
            if file.startswith(SKIPPED) or (paths and not any(file.startswith(one.rstrip("/")) for one in paths)):
                continue
            if path.suffix == ".py":
                found += in_tests(path, file) if root == "tests" else in_source(path, file)
            elif path.suffix in (".md", ".yaml", ".j2", ".css"):
                found += in_prose(path.read_text(encoding="utf-8"), file)
    return found


@cache
def everything_found() -> tuple[Violation, ...]:
    """What is found in all of the product, exceptions included; searched once for all tests."""
    return tuple(everything())


def without_exceptions(found: Iterable[Violation]) -> list[Violation]:
    return [one for one in found if (one.file, one.found) not in EXCEPTIONS]


def test_the_product_speaks_the_words_of_the_field() -> None:
    assert [str(one) for one in without_exceptions(everything_found())] == []


def test_few_exceptions_are_made_and_each_is_needed() -> None:
    assert len(EXCEPTIONS) <= 20
    assert all(reason for reason in EXCEPTIONS.values())
    needed = {(one.file, one.found) for one in everything_found()}
    assert set(EXCEPTIONS) - needed == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a picture of two twins", ["picture", "twins"]),
        ("the true\nmasks of the test part", ["true\nmasks", "test part"]),
        ("Quantisation of a re-organised set", ["Quantisation", "organised"]),
        ("denormalised", ["denormalised"]),
        ("images, near-duplicates, reference masks, test subset, organists", []),
    ],
)
def test_private_terms_are_found_in_prose_also_across_lines(text: str, expected: list[str]) -> None:
    assert [one.found for one in in_prose(text, "x.md")] == expected


def test_ambiguous_words_are_found_as_words_of_names_alone() -> None:
    assert [one.found for one in in_name("drawn_mask", "x.py", 1)] == ["drawn_mask"]
    assert [one.found for one in in_name("OutsideScore", "x.py", 1)] == ["OutsideScore"]
    assert list(in_name("outside_head", "x.py", 1)) == []
    assert list(in_prose("outside of the head", "x.md")) == []


def test_the_help_of_every_verb_speaks_the_words_of_the_field() -> None:
    import typer

    from tumorlens.cli import app

    found: list[Violation] = []

    def walk(command: object, name: str) -> None:
        for child, below in getattr(command, "commands", {}).items():
            walk(below, f"{name} {child}".strip())
        found.extend(in_prose(getattr(command, "help", "") or "", name))
        for parameter in getattr(command, "params", []):
            found.extend(in_prose(getattr(parameter, "help", "") or "", name))
            for option in parameter.opts:
                found.extend(in_name(option.lstrip("-").replace("-", "_"), name, 0))

    walk(typer.main.get_command(app), "")
    assert [str(one) for one in found] == []


if __name__ == "__main__":
    listed = without_exceptions(everything(sys.argv[1:]))
    print("\n".join(map(str, listed)))
    print(f"{len(listed)} found")
