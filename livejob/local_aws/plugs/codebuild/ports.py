"""What CodeBuild's operations need of the emulator (`emulator` has it) and of the build host (`process`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from livejob.local_aws.build_host.messages import BuildOrder, Fields
from livejob.local_aws.plugs.codebuild.credentials import Session
from livejob.local_aws.plugs.codebuild.events import Event


@dataclass(frozen=True, slots=True)
class Scope:
    """An account in a region: records, roles and events belong to one."""

    account: str
    region: str

    def arn(self, resource: str) -> str:
        """ARN of something of CodeBuild's: `project/name`, `build/id`."""
        return f"arn:aws:codebuild:{self.region}:{self.account}:{resource}"


class Records(Protocol):
    """The emulator's store, as the current request sees it."""

    def scope(self) -> Scope: ...

    def initiator(self) -> str:
        """Who makes the request: a user's name, or `role/session`."""
        ...

    def project(self, name: str) -> Fields | None: ...

    def builds(self) -> Mapping[str, Fields]:
        """The builds by id. The records themselves, not copies."""
        ...

    def add_build(self, build: Fields) -> None: ...


class Surroundings(Protocol):
    """The emulator's other services, as CodeBuild itself uses them. In any thread."""

    def may_assume(self, scope: Scope, role_arn: str, project_arn: str) -> bool:
        """True when the role is there and trusts CodeBuild."""
        ...

    def open_session(self, scope: Scope, role_arn: str, name: str) -> Session: ...

    def put_events(self, scope: Scope, events: Sequence[Event]) -> None: ...


class BuildHosts(Protocol):
    """Who executes builds."""

    def start_build(self, order: BuildOrder) -> None: ...

    def stop_build(self, build_id: str) -> None: ...
