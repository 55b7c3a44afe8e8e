"""What every session store does: memory, and DynamoDB in the emulator with authorization on."""

from __future__ import annotations

from dataclasses import replace

from livejob.runs.store import SessionStore
from tests.support.runs import a_session, a_session_id, at


def test_attached_session_is_live(sessions: SessionStore):
    """A session reads as it was attached, for as long as its lease holds."""
    session = a_session(jobs=("Resize", "Ship"), lease_until_ms=at(30))

    sessions.attach(session)

    assert [session] == sessions.live(at(30))
    assert [] == sessions.live(at(30.001))


def test_stage_without_sessions(sessions: SessionStore):
    """Nobody is attached to a new stage."""
    assert [] == sessions.live(at(0))


def test_newest_session_comes_first(sessions: SessionStore):
    """Several sessions come in the order of their age, the newest first, whoever attached last."""
    first, second, third = (a_session(started_ms=at(n), lease_until_ms=at(99)) for n in range(3))

    for session in (second, third, first):
        sessions.attach(session)

    assert [third, second, first] == sessions.live(at(5))


def test_renewed_lease_holds_longer(sessions: SessionStore):
    """Renewing moves the end of the lease and nothing else."""
    session = a_session(lease_until_ms=at(30))
    sessions.attach(session)

    renewed = sessions.renew(session.id, at(60))

    assert renewed
    assert [replace(session, lease_until_ms=at(60))] == sessions.live(at(45))


def test_lease_that_ran_out_can_be_renewed(sessions: SessionStore):
    """A laptop that slept is attached again as soon as it says so."""
    session = a_session(lease_until_ms=at(30))
    sessions.attach(session)

    assert sessions.renew(session.id, at(130))
    assert [replace(session, lease_until_ms=at(130))] == sessions.live(at(100))


def test_unknown_session_cannot_be_renewed(sessions: SessionStore):
    """Renewing does not attach."""
    assert not sessions.renew(a_session_id(), at(60))
    assert [] == sessions.live(at(0))


def test_takeover_replaces_a_session(sessions: SessionStore):
    """A session that takes over is attached, the other is gone and hears it at its next renewal."""
    old, other, new = (a_session(started_ms=at(n), lease_until_ms=at(30)) for n in range(3))
    sessions.attach(old)
    sessions.attach(other)

    sessions.attach(new, instead_of=old.id)

    assert [new, other] == sessions.live(at(10))
    assert not sessions.renew(old.id, at(60))
    assert [new, other] == sessions.live(at(10))


def test_takeover_of_a_session_that_left(sessions: SessionStore):
    """Taking over from who has just gone is attaching."""
    new = a_session()

    sessions.attach(new, instead_of=a_session_id())

    assert [new] == sessions.live(at(10))


def test_detached_session_is_gone(sessions: SessionStore):
    """A session can be detached, and detached again."""
    session = a_session()
    sessions.attach(session)

    sessions.detach(session.id)
    sessions.detach(session.id)

    assert [] == sessions.live(at(0))
