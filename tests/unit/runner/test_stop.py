"""The request to stop: one reason, told once."""

from __future__ import annotations

import pytest

from livejob.runner.stop import StopReason, StopSignal, StopSlot


def test_nothing_asked():
    """A fresh slot has no reason."""
    assert StopSlot().reason() is None


@pytest.mark.parametrize("reason", list(StopReason))
def test_the_first_reason_counts(reason: StopReason):
    """A slot keeps the reason that it got first."""
    slot = StopSlot()

    slot.ask(reason)
    slot.ask(StopReason.SHUTDOWN)

    assert reason is slot.reason()


def test_a_reason_that_came_early_is_delivered():
    """Who begins to listen after the request hears it at once, and nobody hears it twice."""
    slot, heard = StopSlot(), []
    stop = StopSignal(slot)
    slot.ask(StopReason.TIMEOUT)

    for _ in range(2):
        with stop.told_to(heard.append):
            pass

    assert [StopReason.TIMEOUT] == heard


def test_a_listener_that_raises_ends_its_block():
    """What a listener raises at the begin of the block is raised there, and the block is left."""
    slot = StopSlot()
    stop = StopSignal(slot)
    slot.ask(StopReason.CANCEL)

    def raises(reason: StopReason) -> None:
        raise InterruptedError(reason)

    with pytest.raises(InterruptedError), stop.told_to(raises):
        pytest.fail("the block was entered")
