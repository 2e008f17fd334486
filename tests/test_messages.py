"""Every error message of the product: each states what was found, and the list in messages.txt is reviewed.

After a change of messages write the list again: ``python -m tests.test_messages``.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tumorlens import errors

SOURCE = Path(__file__).parents[1] / "src" / "tumorlens"
LIST = Path(__file__).with_name("messages.txt")
CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.TumorlensError)
}
FIELDS = ("file", "line", "found", "expected", "advice")


@dataclass(frozen=True)
class Message:
    """An error that a module makes: its class, and the template of each field that is given."""

    module: str
    kind: str
    fields: dict[str, str]

    def __str__(self) -> str:
        return " | ".join([self.module, self.kind, *(f"{k}: {self.fields[k]}" for k in FIELDS if k in self.fields)])

    def problems(self) -> Iterator[str]:
        """What is wrong with the message, whatever the values in its templates are."""
        if not self.fields.get("found"):
            yield "no found"
        for name in ("found", "expected", "advice"):
            text = re.sub(r"\{.*?\}", "x", self.fields.get(name, ""))
            if re.search(r"[.,;:]$|(?<![.])[.,;:?]{2}(?![.])|\s[.,;:?](?:\s|$)|\s\s|\n", text):
                yield f"{name} ends with punctuation, or has it doubled: '{text}'"
            if re.match(r"expected\b", text) or "; expected " in text:
                yield f"{name} holds another field: '{text}'"


def template(node: ast.expr, constants: dict[str, ast.expr]) -> str:
    """The text of an expression, with {code} for what is known at run time only."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(template(part, constants) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return template(node.value, constants)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and _is_text(node):
        return template(node.left, constants) + template(node.right, constants)
    if isinstance(node, ast.Name) and node.id in constants:
        return template(constants[node.id], constants)
    return "{" + ast.unparse(node).replace("\n", " ") + "}"


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_text(node.left) or _is_text(node.right)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def messages_of(source: str, module: str) -> Iterator[Message]:
    """All errors that a module makes, to raise or to return them."""
    tree = ast.parse(source)
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value, (ast.Constant, ast.JoinedStr))
    }
    for node in ast.walk(tree):
        name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if isinstance(node, ast.Call) and name in CLASSES:
            given = dict(zip(inspect.signature(CLASSES[name]).parameters, node.args, strict=False))
            given |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
            yield Message(module, name, {key: template(value, constants) for key, value in given.items()})


def messages() -> list[Message]:
    """All errors of the product, sorted by their module and text."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        found += messages_of(path.read_text(encoding="utf-8"), module)
    return sorted(found, key=str)


def test_the_messages_are_those_of_the_list() -> None:
    listed = LIST.read_text(encoding="utf-8").splitlines()
    now = [str(message) for message in messages()]
    changes = [f"- {line}" for line in listed if line not in now] + [f"+ {line}" for line in now if line not in listed]
    assert now == listed, "\n".join([*changes, "review the changes, then run: python -m tests.test_messages"])


def test_every_message_states_what_was_found_and_is_composed_without_doubled_punctuation() -> None:
    assert [f"{message}: {problem}" for message in messages() for problem in message.problems()] == []


def test_every_class_of_errors_is_used() -> None:
    assert {message.kind for message in messages()} == set(CLASSES)


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ('DataError(found=f"{n} images", expected="one")', "m | DataError | found: {n} images | expected: one"),
        ('ScanError(path, "is empty", ADVICE)', "m | ScanError | file: {path} | found: is empty | advice: copy it"),
        ('DataError("no " + what)', "m | DataError | found: no {what}"),
        ('DataError(f"epoch {n + 1}")', "m | DataError | found: epoch {n + 1}"),
    ],
)
def test_templates_are_read_by_name_and_by_position(source: str, line: str) -> None:
    (message,) = messages_of(f'ADVICE = "copy it"\nraise {source}', "m")
    assert str(message) == line
    assert list(message.problems()) == []


@pytest.mark.parametrize(
    "source",
    [
        'DataError(expected="one")',
        'DataError("no images; expected one")',
        'DataError(found="no images.")',
        'DataError(found="no images", expected="expected one")',
        'DataError(found="no images", advice="add some;; or not")',
    ],
)
def test_a_message_with_a_problem_is_found(source: str) -> None:
    (message,) = messages_of(source, "m")
    assert list(message.problems())


if __name__ == "__main__":
    LIST.write_text("".join(f"{message}\n" for message in messages()), encoding="utf-8")
