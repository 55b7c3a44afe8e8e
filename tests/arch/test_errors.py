"""The tree of errors, and every place that raises one."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from livejob import errors
from livejob.errors import LivejobError

ROOT = Path(__file__).parents[2]


def tree(cls: type[LivejobError]) -> Iterator[type[LivejobError]]:
    yield cls
    for below in cls.__subclasses__():
        yield from tree(below)


CLASSES = list(tree(LivejobError))
FIELDS = {
    cls.__name__: {name for _, name, _, _ in Formatter().parse(cls.remedy_template) if name}
    for cls in CLASSES
}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_error_says_its_cause(cls: type[LivejobError]) -> None:
    """Each class has a docstring of its own: the cause, as docs/troubleshooting.md prints it."""
    assert cls.__doc__
    assert cls.__doc__.strip().split("\n")[0].endswith(".") or "\n" in cls.__doc__


def test_codes_are_unique_and_in_their_family() -> None:
    """A code means one thing, and its first digit tells the family."""
    codes = [cls.code for cls in CLASSES]

    assert sorted(set(codes)) == sorted(codes)
    for family in LivejobError.__subclasses__():
        assert {family.code[:4]} == {cls.code[:4] for cls in tree(family)}


def test_errors_are_in_the_order_of_their_codes() -> None:
    """errors.py reads like the page that is made of it."""
    module = ast.parse((ROOT / "livejob/errors.py").read_text())
    codes = [getattr(errors, node.name).code for node in module.body if isinstance(node, ast.ClassDef)]

    assert sorted(codes) == codes


def raises_of(path: Path) -> Iterator[tuple[int, str, set[str]]]:
    """(line, class, keywords) of each call of an error class in a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in FIELDS and not any(keyword.arg is None for keyword in node.keywords):
            yield node.lineno, name, {str(keyword.arg) for keyword in node.keywords}


def test_every_raise_fills_its_remedy() -> None:
    """A remedy that could not be filled would hide the error itself."""
    unfilled = [
        f"{path.relative_to(ROOT)}:{line}: {name} without {', '.join(FIELDS[name] - given)}"
        for path in sorted((ROOT / "livejob").rglob("*.py"))
        for line, name, given in raises_of(path)
        if "remedy" not in given and not FIELDS[name] <= given
    ]

    assert [] == unfilled
