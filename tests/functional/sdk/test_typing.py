"""What a type checker says of user code: mypy reads a page of it, each line saying what it expects."""

import re
from pathlib import Path

import pytest
from mypy import api

PAGE = Path(__file__).parent / "typed_page.py"


@pytest.mark.slow
def test_user_code_is_typed_from_handler_to_result(tmp_path: Path) -> None:
    """Payloads and results are checked from the handler's annotations alone; a mistake is reported."""
    out, problems, _ = api.run(
        [
            str(PAGE),
            "--strict",
            "--config-file=",
            f"--cache-dir={tmp_path}",
            "--follow-imports=silent",
            "--no-error-summary",
            "--hide-error-context",
        ]
    )

    assert "" == problems
    assert expected_by(PAGE) == said_in(out), out


def expected_by(page: Path) -> set[tuple[int, str]]:
    """(line, what) of each `# error: code, code` or `# reveals: type` comment."""
    lines = enumerate(page.read_text().splitlines(), start=1)
    comments = [(number, re.search(r"# (?:error|reveals): (.*)", line)) for number, line in lines]
    return {(number, what) for number, found in comments if found for what in found[1].split(", ")}


def said_in(out: str) -> set[tuple[int, str]]:
    """(line, what) of each error's code and each revealed type, without its module, in mypy's output."""
    errors = re.findall(r"^\S+?:(\d+): error: .*\[([\w-]+)\]$", out, re.MULTILINE)
    types = re.findall(r"^\S+?:(\d+): note: Revealed type is \"(?:[a-z.]+\.)?(.*)\"$", out, re.MULTILINE)
    return {(int(number), what) for number, what in errors + types}
