"""What every backend does: memory, and CodeBuild in the emulator under an invoker's permissions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from livejob.errors import BuildNotStarted
from livejob.runs.model import Document
from livejob.stub_lambda.backend import Order
from livejob.wire.outcome import Failure
from tests.support.backend_fixtures import BackendUnderTest, an_order


def test_it_has_a_name(backend: BackendUnderTest):
    """The record of a run names its backend so."""
    assert "codebuild" == backend.backend.name


def test_each_order_has_an_execution(backend: BackendUnderTest):
    """Two attempts, of one run or of two, are two executions."""
    first, second = an_order(), an_order()

    ids = [backend.backend.start(order) for order in (first, second, Order(first.run_id, 2, first.job))]

    assert 3 == len(set(ids))


def test_an_order_given_twice_is_one_execution(backend: BackendUnderTest):
    """Whoever does not know whether it has asked may ask again."""
    order = an_order()

    assert backend.backend.start(order) == backend.backend.start(order)


def test_an_order_with_a_payload_has_an_execution(backend: BackendUnderTest):
    """A container job's attempt is asked for with its payload, inline or apart."""
    payload = Document(4, inline=b"null")
    order = replace(an_order(), payload=payload)

    executions = {backend.backend.start(order) for _ in range(2)}

    assert 1 == len(executions)
    assert payload == backend.payload_of(order)


def test_an_execution_that_is_stopped_has_ended(backend: BackendUnderTest):
    """It ends before its time; stopping it again is no error."""
    execution = backend.backend.start(an_order())

    backend.backend.stop(execution)
    backend.backend.stop(execution)

    end = backend.wait_end(execution)
    assert execution == end.id
    # Without an engine a build of the emulator has failed before anybody can stop it.
    assert end.status in ("STOPPED", "FAILED")


def test_an_unknown_execution_is_left_alone(backend: BackendUnderTest):
    """Nobody knows how it ended, and to stop it is no error."""
    unknown = f"{backend.project}:00000000-0000-0000-0000-000000000000"

    backend.backend.stop(unknown)

    assert backend.backend.end(unknown) is None


def test_what_is_not_taken_is_refused_by_name(backend: BackendUnderTest):
    """A refusal carries the failure that the run's record gets."""
    order = backend.refused_order()

    with pytest.raises(BuildNotStarted) as refused:
        backend.backend.start(order)

    failure = refused.value.context["failure"]
    assert isinstance(failure, Failure)
    assert failure.type and failure.message and failure.remedy
    assert failure.remedy == refused.value.remedy
