"""What a run costs both ways."""

from __future__ import annotations

import pytest

from livejob.cli.run_cost import cost_document, cost_of, cost_text
from livejob.project.specs import JobSpec
from livejob.runs.memory import MemoryRunStore
from livejob.runs.model import Run
from livejob.wire.limits import GIB
from livejob.wire.states import Input
from tests.support.runs import a_change, a_run, at, let

SPEC = JobSpec("Resize", "images.resize", "images.py:1", memory_bytes=7 * GIB)


def a_run_that_took(seconds: float, backend: str) -> Run:
    runs = MemoryRunStore()
    changes = [
        a_change(Input.CLAIM, at(0), backend=backend),
        a_change(Input.RUN, at(0)),
        a_change(Input.SUCCEED, at(seconds)),
    ]
    return let(runs, runs.create(a_run()), *changes)


def test_a_build_is_billed_by_begun_minutes():
    """Sixty-one seconds are two minutes of the job's machine."""
    cost = cost_of(a_run_that_took(61, "codebuild"), SPEC, at(1000))

    assert (0.02, 0.02, 2) == (cost.spent, cost.elsewhere, cost.minutes)
    assert "$0.02 on CodeBuild (2 min of BUILD_GENERAL1_MEDIUM); live $0" == cost_text(cost)


def test_a_live_run_costs_nothing():
    """What it would cost on CodeBuild is told beside it."""
    cost = cost_of(a_run_that_took(5, "live"), SPEC, at(1000))

    assert (0, 0.01, 1) == (cost.spent, cost.elsewhere, cost.minutes)
    assert "$0 live; on CodeBuild $0.01 (1 min of BUILD_GENERAL1_MEDIUM)" == cost_text(cost)


def test_a_price_that_is_not_known_is_said():
    """No figure is made up for a machine without a confirmed price."""
    spec = JobSpec("Resize", "images.resize", "images.py:1", memory_bytes=70 * GIB)

    cost = cost_of(a_run_that_took(5, "codebuild"), spec, at(1000))

    assert cost.spent is None
    assert cost_text(cost).startswith("a price that is not known on CodeBuild")


@pytest.mark.parametrize("backend", ["live", "codebuild"])
def test_json_has_both_ways(backend: str):
    """Programs get numbers in US dollars."""
    document = cost_document(cost_of(a_run_that_took(5, backend), SPEC, at(1000)))

    assert document is not None
    assert {
        "spent_usd": 0.01 if backend == "codebuild" else 0,
        "on_codebuild_usd": 0.01,
        "live_usd": 0,
        "minutes": 1,
        "machine": "BUILD_GENERAL1_MEDIUM",
    } == document
