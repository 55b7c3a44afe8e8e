"""Remembers which build a StartBuild's idempotency token has started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from livejob.clock import Clock
from livejob.local_aws.plugs.codebuild.limits import IDEMPOTENCY_S
from livejob.local_aws.plugs.codebuild.request import INVALID, Refused


@dataclass(frozen=True, slots=True)
class _Use:
    call: Mapping[str, Any]
    build_id: str
    used_s: float


class IdempotencyTokens:
    """The tokens of the last minutes. Not safe between threads: its user holds a lock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._uses: dict[str, _Use] = {}

    def earlier(self, call: Mapping[str, Any]) -> str | None:
        """Id of the build that the same call has started; None when it is a new one, or has no token.

        Raises:
            Refused: the token was used for a call that asked for something else.
        """
        token = str(call.get("idempotencyToken") or "")
        use = self._uses.get(token)
        if use is None or self._clock.monotonic_s() - use.used_s > IDEMPOTENCY_S:
            return None
        if use.call != call:
            raise Refused(INVALID, f"Request parameter mismatch for idempotency token {token}")
        return use.build_id

    def remember(self, call: Mapping[str, Any], build_id: str) -> None:
        token = str(call.get("idempotencyToken") or "")
        if token:
            self._uses[token] = _Use(dict(call), build_id, self._clock.monotonic_s())
