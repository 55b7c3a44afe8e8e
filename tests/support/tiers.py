"""The tiers of the suite: says at the end how many tests ran in each, and keeps an eye on the Docker tier.

A pytest plugin, named in the root conftest. A test's tier is its directory under tests/.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

TIERS = ("unit", "contract", "functional", "docker", "e2e", "arch")
OUTCOMES = ("passed", "failed", "skipped")


class TierCount:
    """Counts the outcome of each test under its tier. A test that fails in set-up or tear-down has failed."""

    def __init__(self) -> None:
        self._outcomes: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        known = self._outcomes.get(report.nodeid)
        if report.when == "call" or report.outcome != "passed":
            self._outcomes[report.nodeid] = report.outcome if known != "failed" else known

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("tests by tier")
        for line in self.table():
            terminalreporter.write_line(line)

    def table(self) -> Iterator[str]:
        """One line for each tier: its name and how many of its tests came to each outcome."""
        counts = Counter((tier_of(nodeid), outcome) for nodeid, outcome in self._outcomes.items())
        yield f"{'tier':<12}" + "".join(f"{outcome:>10}" for outcome in OUTCOMES)
        for tier in TIERS:
            yield f"{tier:<12}" + "".join(f"{counts[tier, outcome]:>10}" for outcome in OUTCOMES)


def tier_of(nodeid: str) -> str:
    """`tests/unit/test_x.py::test_y` -> `unit`; "" for what lies elsewhere."""
    parts = nodeid.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "tests" else ""


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(TierCount(), "tier-count")
