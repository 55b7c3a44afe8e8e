"""ECR's authorization tokens: who may show which for whom, and until when."""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass

from livejob.clock import Clock
from livejob.local_aws.plugs.registry.ports import Caller

USERNAME = "AWS"
LIFE_S = 12 * 3600
"""Source: Amazon ECR API, GetAuthorizationToken."""


@dataclass(frozen=True, slots=True)
class _Token:
    caller: Caller
    expires_s: float


class Tokens:
    """The tokens that were given out. Used on the emulator's event loop alone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens: dict[str, _Token] = {}

    def give(self, caller: Caller) -> tuple[str, float]:
        """A new token in ECR's form (base64 of `AWS:password`), and when it ends (Unix epoch seconds)."""
        now_s = self._clock.now_ms() / 1000
        self._tokens = {
            password: token for password, token in self._tokens.items() if token.expires_s > now_s
        }
        password = secrets.token_urlsafe(48)
        self._tokens[password] = _Token(caller, now_s + LIFE_S)
        return base64.b64encode(f"{USERNAME}:{password}".encode()).decode(), now_s + LIFE_S

    def caller(self, authorization: str) -> Caller | None:
        """Whose token a request shows in its `Authorization`; None when it shows no good one."""
        scheme, _, credentials = authorization.partition(" ")
        try:
            username, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        token = self._tokens.get(password)
        if token is None or scheme.lower() != "basic" or username != USERNAME:
            return None
        return token.caller if token.expires_s > self._clock.now_ms() / 1000 else None
