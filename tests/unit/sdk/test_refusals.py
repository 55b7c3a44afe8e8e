"""What an invoker says when it refuses."""

import pytest

from livejob.errors import InvokerRefused, LivejobError, NoSession, PayloadInvalid
from livejob.sdk.refusals import refusal_error


@pytest.mark.parametrize(
    ("text", "cls", "message", "remedy"),
    [
        ("LJ-502: nobody is here | hint: Start one.", NoSession, "nobody is here", "Start one."),
        ("LJ-201: two\nlines | hint: a | hint: b", PayloadInvalid, "two\nlines", "a | hint: b"),
        ("LJ-201: no hint", PayloadInvalid, "no hint", ""),
    ],
)
def test_refusal_becomes_the_error_of_its_code(
    text: str, cls: type[LivejobError], message: str, remedy: str
) -> None:
    """A refusal by livejob is raised as the same error that the invoker raised."""
    error = refusal_error("Resize", {"errorMessage": text})

    assert (cls, message, remedy) == (type(error), error.message, error.remedy)


@pytest.mark.parametrize(
    "answer",
    [
        {"errorMessage": "2026-01-01T00:00:00Z 1234 Task timed out after 10.00 seconds"},
        {"errorMessage": "division by zero", "errorType": "ZeroDivisionError"},
        {"errorMessage": "LJ-998: of a version to come"},
    ],
)
def test_any_other_failure_is_the_invokers_own(answer: dict[str, str]) -> None:
    """What livejob did not say is told as a failure of the invoker, with its words."""
    error = refusal_error("Resize", answer)

    assert InvokerRefused is type(error)
    assert answer["errorMessage"] in error.message
    assert error.remedy
