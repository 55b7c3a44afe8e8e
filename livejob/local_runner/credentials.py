"""Credentials of a job's deployed role, assumed by the daemon and renewed before they run out.

The developer's own keys never go to a worker: it gets only what this gives, through its channel.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livejob.aws import translated
from livejob.clock import Clock
from livejob.local_runner.threads import ThreadGateway
from livejob.wire.limits import CREDENTIALS_MIN_LIFE_S, ROLE_SESSION_S

if TYPE_CHECKING:
    from mypy_boto3_sts.client import STSClient


class Secret:
    """A text that shows itself only when asked: its repr and str are masked."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"


@dataclass(frozen=True, slots=True)
class Grant:
    """One role session: the JSON document that the SDKs read, and until when it holds."""

    document: Secret
    expires_ms: int


class RoleCredentials:
    """Assumes one role when first asked, and again when less than CREDENTIALS_MIN_LIFE_S is left.

    `assume` blocks and is called through the gateway, one call at a time.
    """

    def __init__(self, assume: Callable[[], Grant], gateway: ThreadGateway, clock: Clock) -> None:
        self._assume = assume
        self._gateway = gateway
        self._clock = clock
        self._grant: Grant | None = None
        self._assuming = asyncio.Lock()

    async def document(self) -> str:
        """The current credentials, as the container credential endpoint answers them.

        Raises:
            AccessRefused: the developer may not assume the role.
            CredentialsMissing: the developer's own login has expired.
        """
        async with self._assuming:
            grant = self._grant
            if grant is None or self._life_s(grant) < CREDENTIALS_MIN_LIFE_S:
                grant = self._grant = await self._gateway.call(self._assume)
            return grant.document.reveal()

    def _life_s(self, grant: Grant) -> float:
        return (grant.expires_ms - self._clock.now_ms()) / 1000


def assume_role(sts: STSClient, role_arn: str, who: str) -> Grant:
    """Assume `role_arn` as role session `livejob-<who>`, the name that CloudTrail shows. Blocks.

    Source of the document's fields: "Container credential provider", AWS SDKs and Tools reference.

    Raises:
        AccessRefused: the caller may not assume it, or the role does not trust the caller.
        CredentialsMissing: the caller has no valid credentials.
    """
    with translated("sts:AssumeRole", role_arn):
        answer = sts.assume_role(
            RoleArn=role_arn, RoleSessionName=f"livejob-{who}"[:64], DurationSeconds=ROLE_SESSION_S
        )
    found = answer["Credentials"]
    document = {
        "RoleArn": role_arn,
        "AccessKeyId": found["AccessKeyId"],
        "SecretAccessKey": found["SecretAccessKey"],
        "Token": found["SessionToken"],
        "Expiration": found["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return Grant(Secret(json.dumps(document)), round(found["Expiration"].timestamp() * 1000))
