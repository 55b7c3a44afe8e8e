"""What an invoker says when it refuses, made into the error that says the same here.

An invoker raises LivejobError inside its Lambda; its answer then holds `errorMessage`
`LJ-xxx: <message> | hint: <remedy>`. Anything else in an answer is a failure of the invoker itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from livejob.errors import InvokerRefused, LivejobError

_REFUSAL = re.compile(r"(?P<code>LJ-\d{3}): (?P<message>.*?)(?: \| hint: (?P<remedy>.*))?", re.DOTALL)


def refusal_error(job: str, answer: Mapping[str, object]) -> LivejobError:
    """The error for the answer of an invoker whose function failed.

    answer: the Lambda error document `{"errorMessage", "errorType", ...}`.
    """
    text = str(answer.get("errorMessage") or answer)
    refusal = _REFUSAL.fullmatch(text)
    cls = error_class(refusal["code"]) if refusal else None
    if refusal is None or cls is None:
        return InvokerRefused(f"the invoker of {job} failed: {text}")
    return cls(refusal["message"], remedy=refusal["remedy"] or "")


def error_class(code: str) -> type[LivejobError] | None:
    """The class of a stable code such as `LJ-104`; None for a code that this version does not know."""
    return next((cls for cls in _tree(LivejobError) if cls.code == code), None)


def _tree(cls: type[LivejobError]) -> Iterator[type[LivejobError]]:
    yield cls
    for below in cls.__subclasses__():
        yield from _tree(below)
