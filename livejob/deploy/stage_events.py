"""What a session has to tell of its stage's deployment while it goes on: values, in order of their happening.

Beside the events of the daemon (`local_runner.events`), which knows nothing of deployments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from livejob.deploy.changes import ResourceChange

NextStep = Literal["asked", "by itself", "at the next start"]
"""Who deploys: the person at the terminal is asked, nobody has to be, nobody can be."""


@dataclass(frozen=True, slots=True)
class StageOutdated:
    """The stage is not as the jobs are defined: these changes would make it so."""

    changes: Sequence[ResourceChange]
    next_step: NextStep


@dataclass(frozen=True, slots=True)
class StageCurrent:
    """What had to be deployed has not to be any more: the jobs are again defined as they are deployed."""


@dataclass(frozen=True, slots=True)
class StageDeploying:
    """A deployment has begun; what it does with each resource is told beside these events."""


@dataclass(frozen=True, slots=True)
class StageDeployed:
    """The stage is as the jobs were defined. `added` jobs can be run, `removed` ones no more."""

    changes: Sequence[ResourceChange]
    added: Sequence[str]
    removed: Sequence[str]
    took_s: float


@dataclass(frozen=True, slots=True)
class StageNotDeployed:
    """A deployment, or the look at what it would do, has failed; the stage is as it was before.

    message: the reason first.
    """

    step: Literal["look", "deploy"]
    message: str
    remedy: str
    next_step: NextStep


@dataclass(frozen=True, slots=True)
class DeploymentLeft:
    """The session ends while a deployment is under way, which goes on to its end."""


StageEvent = StageOutdated | StageCurrent | StageDeploying | StageDeployed | StageNotDeployed | DeploymentLeft


class StageReporter(Protocol):
    """Takes events, quickly and in order. Must not raise."""

    def report(self, event: StageEvent) -> None: ...
