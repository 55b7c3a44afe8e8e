"""What the project needs, and the reason for each."""

import re
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

COMES_WITH = {"boto3": {"botocore"}, "docker": {"requests"}, "ministack": {"hypercorn"}}
"""What the product imports of another package's dependencies: they are part of that package's interface."""


def names_of(requirements: list[str]) -> set[str]:
    """`boto3-stubs[s3]>=1` -> `boto3-stubs`."""
    return {re.split(r"[\[<>=~! ;]", text.strip().lower())[0] for text in requirements}


def declared() -> set[str]:
    project = PYPROJECT["project"]
    extras = [text for group in project["optional-dependencies"].values() for text in group]
    return names_of([*project["dependencies"], *extras]) - {"livejob"}


def asked_for() -> set[str]:
    """What requirements/*.in name."""
    texts = [
        line for page in sorted(ROOT.glob("requirements/*.in")) for line in page.read_text().splitlines()
    ]
    return names_of([text for text in texts if text and not text.startswith("#")])


def test_what_the_product_imports_is_declared() -> None:
    """Nothing works by the accident that another package brings it."""
    graph = grimp.build_graph(
        "livejob", include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None
    )
    tops = {name for name in graph.modules if graph.is_module_squashed(name)} - set(sys.stdlib_module_names)
    packages = {packages_distributions()[top][0].lower() for top in tops}

    known = declared() | {part for whole in declared() for part in COMES_WITH.get(whole, set())}
    assert set() == packages - known


@pytest.mark.parametrize(
    ("whole", "part"), [(whole, part) for whole, parts in COMES_WITH.items() for part in parts]
)
def test_what_comes_with_a_package_really_does(whole: str, part: str) -> None:
    """The parts that we rely on are still dependencies of their package."""
    assert part in names_of(requires(whole) or [])


def test_development_asks_for_all_that_is_declared() -> None:
    """The lock file has everything that users get."""
    assert set() == declared() - asked_for()


def test_every_package_has_its_reason() -> None:
    """CONTRIBUTING.md says why each package is there, and of no other."""
    page = (ROOT / "CONTRIBUTING.md").read_text().partition("## Dependencies")[2]
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| ")]
    reasoned = {name.strip() for row in rows for name in row.split(",")} - {"package"}

    assert asked_for() == reasoned
