"""Rules for the text of the project that no linter knows."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = sorted([*(ROOT / "livejob").rglob("*.py"), *(ROOT / "infra").rglob("*.py")])
LINES_MAX = 400
LISTS = {ROOT / "livejob/errors.py"}
"""One idea, as long as there are entries."""

FOREIGN = {
    "a package registry's host": re.compile(
        r"\b(pypi|pythonhosted|npmjs|debian|ubuntu|crates)\.(org|com|io)\b"
    ),
    "a directory of somebody's machine": re.compile(r"(?<![\w.*-])/(work|root)/"),
}


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("what", FOREIGN)
def test_project_names_nothing_of_the_place_where_it_was_made(what: str) -> None:
    """No file holds a package registry's host or a path of one machine: both differ where it is used."""
    this = Path(__file__)

    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked_files()
        if path != this
        for match in FOREIGN[what].finditer(path.read_text(errors="replace"))
    ]

    assert [] == found


def test_every_module_says_what_it_is_for() -> None:
    """Each module with code opens with a docstring."""
    silent = [path for path in PRODUCT if path.read_text().strip() and not ast.get_docstring(parsed(path))]

    assert [] == silent


def test_modules_stay_readable() -> None:
    """No module is so long that it holds several ideas."""
    long = [path for path in PRODUCT if path not in LISTS and path.read_text().count("\n") > LINES_MAX]

    assert [] == long


def test_only_the_command_line_asks_whether_aws_is_local() -> None:
    """One code path: what is not in `cli` or `local_aws` cannot tell an emulator from AWS."""
    rooms = (ROOT / "livejob/cli", ROOT / "livejob/local_aws")
    asking = [
        path
        for path in PRODUCT
        if not path.is_relative_to(rooms[0]) and not path.is_relative_to(rooms[1])
        if re.search(r"\bis_local\b|ministack", path.read_text(), re.IGNORECASE)
    ]

    assert [] == asking


def test_tests_replace_nothing_inside_the_product() -> None:
    """Tests use real peers or shipped twins; what a collaborator does is decided by its constructor."""
    patching = [
        path
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if path != Path(__file__) and re.search(r"monkeypatch\.setattr|unittest\.mock", path.read_text())
    ]

    assert [] == patching


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())
