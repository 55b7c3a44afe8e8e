"""What a person sees when the stage of a session has to be deployed, and is: lines below those of runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from livejob.cli.stack_output import StackProgress, change_lines, count_changes, count_done
from livejob.cli.style import human_seconds
from livejob.deploy.changes import ResourceChange
from livejob.deploy.stack_events import ResourceEvent
from livejob.deploy.stage_events import (
    DeploymentLeft,
    NextStep,
    StageCurrent,
    StageDeployed,
    StageDeploying,
    StageNotDeployed,
    StageOutdated,
)

_NEXT: Mapping[NextStep, str] = {
    "asked": "Enter deploys this; runs go on as they are until then",
    "by itself": "deploying this (deploy_on_change)",
    "at the next start": "stop with Ctrl-C and start again: `livejob start` deploys when it starts, "
    "and at each change with --deploy-on-change",
}

SHOWN_CHANGES = 10
"""Of those that lose nothing; two new jobs are ten resources."""


class StageText:
    """`note` prints a line, with its time, in a colour."""

    def __init__(self, note: Callable[[str, str | None], None]) -> None:
        self._note = note
        self._progress: StackProgress | None = None
        self._is_begun = False
        self.printers: Mapping[type[object], Callable[[Any], None]] = {
            StageOutdated: self._outdated,
            StageCurrent: lambda event: self._note("nothing to deploy any more", "green"),
            StageDeploying: self._deploying,
            StageDeployed: self._deployed,
            StageNotDeployed: self._not_deployed,
            DeploymentLeft: lambda event: self._note(
                "a deployment is under way; this ends when it has ended", "yellow"
            ),
        }

    def tell(self, event: ResourceEvent) -> None:
        """One step of a deployment. At the start of a session only what fails: all is new then."""
        if self._progress is not None:
            self._progress.tell(event)
            return
        if not self._is_begun:
            self._is_begun = True
            self._note("deploying the stage …", "bright_black")
        if event.is_failure:
            self._note(f"✗ {event}", "red")

    def _outdated(self, event: StageOutdated) -> None:
        self._note(f"what has changed has to be deployed: {count_changes(event.changes)}", "yellow")
        for line in _compact(event.changes):
            click.echo(line, err=True)
        self._note(_NEXT[event.next_step], "bright_black" if event.next_step == "by itself" else "yellow")

    def _deploying(self, _: StageDeploying) -> None:
        self._progress = StackProgress(is_json=False)
        self._note("deploying …", "bright_black")

    def _deployed(self, event: StageDeployed) -> None:
        self._progress = None
        what = count_done(event.changes) or "nothing had to be changed"
        self._note(f"✓ deployed in {human_seconds(event.took_s)}: {what}", "green")
        if event.added:
            self._note(f"  new here: {', '.join(event.added)}", None)
        if event.removed:
            self._note(f"  no more here: {', '.join(event.removed)}", None)

    def _not_deployed(self, event: StageNotDeployed) -> None:
        self._progress = None
        first, *more = event.message.splitlines()
        what = "not deployed" if event.step == "deploy" else "what has to be deployed is not known"
        self._note(f"✗ {first}", "red")
        for line in more:
            self._note(f"  {line}", "red")
        self._note(f"{what}; the session goes on with the stage as it was", "yellow")
        if event.remedy:
            self._note(f"  hint: {event.remedy}", None)
        again = "save a mended definition, or press Enter to try again"
        self._note(f"  {again if event.next_step == 'asked' else 'save a mended definition'}", None)


def _compact(changes: Sequence[ResourceChange]) -> list[str]:
    """What is replaced or deleted, all of it, and the first of the others."""
    losing = sum(each.is_destructive for each in changes)
    shown = change_lines(changes)[: losing + SHOWN_CHANGES]
    more = len(changes) - len(shown)
    return [*shown, f"    … and {more} more"] if more else shown
