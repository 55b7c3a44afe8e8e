"""What the registry needs of the emulator (`emulator` has it)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from livejob.local_aws.plugs.registry.manifests import Manifest


@dataclass(frozen=True, slots=True)
class Scope:
    """The registry of an account in a region."""

    account: str
    region: str

    def arn(self, repository: str) -> str:
        """A repository's ARN; `*` for all."""
        return f"arn:aws:ecr:{self.region}:{self.account}:repository/{repository}"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked for a token, and for which registry."""

    access_key_id: str
    scope: Scope


class TagImmutable(Exception):
    """The repository does not let a tag be moved."""


class Repositories(Protocol):
    """ECR's own records of repositories and images. Called on the emulator's event loop; does not block."""

    def names(self, scope: Scope) -> Sequence[str]:
        """All repositories, sorted."""
        ...

    def tags(self, scope: Scope, repository: str) -> Sequence[str]:
        """The repository's tags, sorted."""
        ...

    def manifest(self, scope: Scope, repository: str, reference: str) -> Manifest | None:
        """By digest or tag."""
        ...

    def put_manifest(self, scope: Scope, repository: str, manifest: Manifest, tag: str | None) -> None:
        """Keep it, under the tag if there is one.

        Raises:
            TagImmutable: another image has the tag for good.
        """
        ...


class Permissions(Protocol):
    """IAM, for requests that are signed with a token."""

    def refusal(self, caller: Caller, action: str, arn: str) -> str | None:
        """Why the caller may not do that, in AWS's words; None when it may."""
        ...
