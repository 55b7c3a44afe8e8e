"""The sessions of builds' roles, as a container gets them: by a URL and a token, for as long as it runs."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from livejob.clock import Clock

PATH = "/_codebuild/credentials/"
"""No bucket can be called so."""

SESSION_S = 3600
MIN_LIFE_S = 20 * 60
"""Below 15 minutes of life an SDK asks again at every use."""


@dataclass(frozen=True, slots=True)
class Session:
    """Temporary credentials of a role. `expires_s`: Unix epoch seconds."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    token: str = field(repr=False)
    role_arn: str
    expires_s: float


@dataclass(slots=True)
class _Grant:
    token: str
    open_session: Callable[[], Session]
    session: Session | None = None


class Credentials:
    """Who may have which role's session. Safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._grants: dict[str, _Grant] = {}
        self._lock = threading.Lock()

    def grant(self, build_uuid: str, open_session: Callable[[], Session]) -> str:
        """Let one build have sessions from `open_session`; the token it has to show."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._grants[build_uuid] = _Grant(token, open_session)
        return token

    def revoke(self, build_uuid: str) -> None:
        """The build is over."""
        with self._lock:
            self._grants.pop(build_uuid, None)

    def session(self, build_uuid: str, token: str) -> Session | None:
        """A session with some life in it; None for one who may not have it."""
        with self._lock:
            grant = self._grants.get(build_uuid)
            if grant is None or not hmac.compare_digest(grant.token, token):
                return None
            now_s = self._clock.now_ms() / 1000
            if grant.session is None or grant.session.expires_s - now_s < MIN_LIFE_S:
                grant.session = grant.open_session()
            return grant.session
