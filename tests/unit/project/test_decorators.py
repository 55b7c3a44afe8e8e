"""Reading `@job` from a module's text."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from livejob.project.decorators import DecoratedFunction, Misuse, find_decorated, module_names


def found_in(source: str) -> list[DecoratedFunction | Misuse]:
    return list(find_decorated(ast.parse(dedent(source))))


@pytest.mark.parametrize(
    ("importing", "decorator"),
    [
        ("from livejob import job", "@job"),
        ("from livejob import job", "@job()"),
        ("from livejob import job as background", "@background"),
        ("from livejob.sdk import job", "@job"),
        ("from livejob import *", "@job"),
        ("import livejob", "@livejob.job"),
        ("import livejob as lj", "@lj.job()"),
        ("import livejob.sdk", "@livejob.sdk.job"),
        ("from livejob import sdk", "@sdk.job"),
    ],
)
def test_decorator_is_known_by_its_import(importing: str, decorator: str) -> None:
    """Whatever name a module gives to livejob's job, the function under it is a job."""
    found = found_in(f"{importing}\n{decorator}\ndef resize(payload): ...")

    assert [DecoratedFunction("resize", 3, {})] == found


@pytest.mark.parametrize(
    ("importing", "decorator"),
    [
        ("from rq.decorators import job", "@job('low')"),
        ("from .livejob import job", "@job(1)"),
        ("import livejob", "@livejob.other"),
        ("import livejob", "@job"),
    ],
)
def test_decorator_of_another_library_is_let_alone(importing: str, decorator: str) -> None:
    """A decorator that merely has the same name makes no job and no error."""
    assert [] == found_in(f"{importing}\n{decorator}\ndef resize(payload): ...")


def test_arguments_are_plain_values() -> None:
    """Texts, numbers, lists and tables are read as they are written."""
    source = """
        from livejob import job
        @job(
            timeout="1 hour",
            concurrency=2,
            permissions=[{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::b/*"]}],
        )
        async def resize(payload): ...
    """

    [found] = found_in(source)

    assert found == DecoratedFunction(
        "resize",
        8,
        {
            "timeout": "1 hour",
            "concurrency": 2,
            "permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::b/*"]}],
        },
    )


def test_function_under_a_condition_is_a_job() -> None:
    """What the module's import may define is at its top, also within `if` and `try`."""
    source = """
        from livejob import job
        try:
            import numpy
        except ImportError:
            @job
            def slow(payload): ...
        else:
            if numpy:
                @job
                def fast(payload): ...
    """

    names = {each.function for each in found_in(source) if isinstance(each, DecoratedFunction)}

    assert {"slow", "fast"} == names


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        (
            "HOUR = 3600\n@job(timeout=8 * HOUR)\ndef resize(payload): ...",
            3,
            "timeout is `8 * HOUR`, which only running the code could tell; write a plain value",
        ),
        (
            "@job(name=f'{1}')\ndef resize(payload): ...",
            2,
            "name is `f'{1}'`, which only running the code could tell",
        ),
        ("@job(**OPTIONS)\ndef resize(payload): ...", 2, "@job(**OPTIONS): write the arguments out"),
        ("@job('Resize')\ndef resize(payload): ...", 2, "@job takes its arguments by name"),
        (
            "class A:\n    @job\n    def resize(self): ...",
            4,
            "@job on `resize`, which is inside a function or a class",
        ),
        (
            "def make():\n    @job\n    def resize(payload): ...",
            4,
            "@job on `resize`, which is inside a function or a class",
        ),
        ("resize = job(len)", 2, "job(...) is called; use it as a decorator, @job(...)"),
    ],
)
def test_use_that_cannot_be_read_is_told(source: str, line: int, message: str) -> None:
    """What is no plain decorator at the top of its module is named with its line and what is allowed."""
    [found] = found_in(f"from livejob import job\n{source}")

    assert isinstance(found, Misuse)
    assert line == found.line
    assert found.message.startswith(message)


def test_module_names_are_those_of_its_import() -> None:
    """Functions, classes, imports and assignments at the top are names; what is inside them is not."""
    source = """
        import a.b as c
        from d import e
        F: int = 1
        G, (H, *I) = F, (1, 2)
        def j():
            k = 1
            def l(): ...
        class M:
            n = 1
        if c:
            async def o(): ...
    """

    names = module_names(ast.parse(dedent(source)))

    assert {"c", "e", "F", "G", "H", "I", "j", "M", "o"} == names
