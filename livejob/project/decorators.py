"""Finds the functions that livejob's `@job` decorates in one parsed file, and reads its arguments.

Which name the decorator goes by is seen from the file's imports, so another library's `@job` is let
alone. Pure: takes a tree, gives findings; nothing is imported or run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeGuard

HOMES = ("livejob", "livejob.sdk")
"""Modules that user code imports `job` from."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class DecoratedFunction:
    """A function at the top of its module and the arguments of its `@job`, all of them plain values."""

    function: str
    line: int
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Misuse:
    """A use of `job` that cannot be read. `message` says what was found and what is allowed."""

    line: int
    message: str


def find_decorated(tree: ast.Module) -> Iterator[DecoratedFunction | Misuse]:
    """The jobs of a module in the order of their lines, and what looks like one but cannot be."""
    nodes = list(ast.walk(tree))  # once: it is most of the work
    aliases = _aliases(nodes)
    if not aliases:
        return
    at_top = set(_at_top_level(tree.body))
    decorators = set[ast.expr]()
    for node in nodes:
        if isinstance(node, Function):
            for decorator in node.decorator_list:
                if _is_job(decorator, aliases):
                    decorators.add(decorator)
                    yield _read(node, decorator, node in at_top)
    for node in nodes:
        if isinstance(node, ast.Call) and _is_job(node, aliases) and node not in decorators:
            yield Misuse(node.lineno, "job(...) is called; use it as a decorator, @job(...)")


def _aliases(nodes: list[ast.AST]) -> frozenset[str]:
    """Every dotted name by which this module can mean livejob's `job`."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module in HOMES and node.level == 0:
            for each in node.names:
                if each.name in ("job", "*"):
                    names.add(each.asname or "job")
                elif f"{node.module}.{each.name}" in HOMES:
                    names.add(f"{each.asname or each.name}.job")
        elif isinstance(node, ast.Import):
            names |= {f"{each.asname or each.name}.job" for each in node.names if each.name in HOMES}
    return frozenset(names)


def _at_top_level(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when the module is imported, those under `if` and `try` too."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With):
            for block in ("body", "orelse", "finalbody"):
                yield from _at_top_level(getattr(statement, block, ()))
            for handler in getattr(statement, "handlers", ()):
                yield from _at_top_level(handler.body)


def _is_job(expression: ast.expr, aliases: frozenset[str]) -> bool:
    if isinstance(expression, ast.Call):
        expression = expression.func
    return _dotted(expression) in aliases


def _dotted(expression: ast.expr) -> str:
    """`a.b.c` of such an expression; "" for any other."""
    if isinstance(expression, ast.Name):
        return expression.id
    if isinstance(expression, ast.Attribute):
        inner = _dotted(expression.value)
        return inner and f"{inner}.{expression.attr}"
    return ""


def _read(function: Function, decorator: ast.expr, is_at_top: bool) -> DecoratedFunction | Misuse:
    if not is_at_top:
        return Misuse(
            function.lineno,
            f"@job on `{function.name}`, which is inside a function or a class; "
            "a job is a function at the top of its module",
        )
    arguments: dict[str, object] = {}
    if isinstance(decorator, ast.Call):
        if decorator.args:
            return Misuse(decorator.lineno, '@job takes its arguments by name, such as timeout="1 hour"')
        for keyword in decorator.keywords:
            if keyword.arg is None:
                return Misuse(
                    keyword.value.lineno, f"@job(**{ast.unparse(keyword.value)}): write the arguments out"
                )
            try:
                arguments[keyword.arg] = ast.literal_eval(keyword.value)
            except (ValueError, TypeError, RecursionError):
                return Misuse(keyword.value.lineno, _not_plain(keyword.arg, keyword.value))
    return DecoratedFunction(function.name, function.lineno, arguments)


def _not_plain(name: str, value: ast.expr) -> str:
    return (
        f"{name} is `{ast.unparse(value):.100}`, which only running the code could tell; "
        "write a plain value (text, number, list, table)"
    )


def module_names(tree: ast.Module) -> frozenset[str]:
    """The names that a module has once it is imported, as far as its text tells."""
    names = set()
    for statement in _at_top_level(tree.body):
        if isinstance(statement, Function | ast.ClassDef):
            names.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            names |= {each.asname or each.name for each in statement.names}
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            names |= {each.id for each in ast.walk(statement) if _is_stored(each)}
    return frozenset(names)


def _is_stored(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
