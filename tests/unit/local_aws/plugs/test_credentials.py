"""How long a build's session is given out."""

from __future__ import annotations

from itertools import count

from livejob.clock import SteppedClock
from livejob.local_aws.plugs.codebuild.credentials import SESSION_S, Credentials, Session


def test_session_is_renewed_before_it_gets_old() -> None:
    """The same session is served while it lives long enough, then a new one: for builds of 36 hours."""
    clock, numbers = SteppedClock(), count()

    def open_session() -> Session:
        expires_s = clock.now_ms() / 1000 + SESSION_S
        return Session(f"ASIA{next(numbers)}", "secret", "token", "role", expires_s)

    credentials = Credentials(clock)
    token = credentials.grant("build", open_session)

    served = []
    for _ in range(3):
        session = credentials.session("build", token)
        assert session is not None
        served.append(session.access_key_id)
        clock.advance(30 * 60)

    assert ["ASIA0", "ASIA0", "ASIA1"] == served


def test_session_is_for_its_build_alone() -> None:
    """Another build's token does not do, nor does the own one after the end."""
    session = Session("ASIA", "secret", "token", "role", 9e12)
    credentials = Credentials(SteppedClock())
    token, other = credentials.grant("build", lambda: session), credentials.grant("other", lambda: session)

    assert (session, None) == (credentials.session("build", token), credentials.session("build", other))
    credentials.revoke("build")
    assert credentials.session("build", token) is None
    assert "secret" not in repr(session)
