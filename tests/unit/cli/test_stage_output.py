"""What a person sees of the deployments of a session."""

from __future__ import annotations

import click
import pytest

from livejob.cli.stage_output import SHOWN_CHANGES, StageText
from livejob.clock import EpochMs
from livejob.deploy.changes import Effect, ResourceChange
from livejob.deploy.stack_events import ResourceEvent
from livejob.deploy.stage_events import (
    StageDeployed,
    StageDeploying,
    StageEvent,
    StageNotDeployed,
    StageOutdated,
)

FUNCTION = "AWS::Lambda::Function"


class Screen:
    """What was printed, line by line."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.text = StageText(lambda line, colour: click.echo(line, err=True))

    def report(self, event: StageEvent) -> None:
        self.text.printers[type(event)](event)

    def lines(self) -> list[str]:
        return click.unstyle(self._capsys.readouterr().err).splitlines()


@pytest.fixture
def screen(capsys: pytest.CaptureFixture[str]) -> Screen:
    return Screen(capsys)


def change(effect: Effect, name: str) -> ResourceChange:
    return ResourceChange(effect, name, FUNCTION, name if effect is not Effect.ADD else "")


def step(status: str, at_ms: int, reason: str = "") -> ResourceEvent:
    return ResourceEvent(EpochMs(at_ms), "JobMoreInvoker", FUNCTION, status, reason, is_stack=False)


def test_change_is_shown_with_what_it_loses_and_how_to_deploy_it(screen: Screen) -> None:
    """What is deleted stands first and in capitals; the last line says what Enter does."""
    changes = [change(Effect.DELETE, "JobOldInvoker"), change(Effect.ADD, "JobMoreInvoker")]

    screen.report(StageOutdated(changes, "asked"))

    first, *shown, last = screen.lines()
    assert "what has changed has to be deployed: 1 to add, 1 to delete" == first
    assert [
        "  - JobOldInvoker   Lambda::Function JobOldInvoker is DELETED",
        "  + JobMoreInvoker  Lambda::Function is added",
    ] == shown
    assert last.startswith("Enter deploys this")


def test_without_a_terminal_the_command_is_named(screen: Screen) -> None:
    """Where nobody can press Enter, the line says which command deploys, and how it does so by itself."""
    screen.report(StageOutdated([change(Effect.ADD, "JobMoreInvoker")], "at the next start"))

    last = screen.lines()[-1]
    assert "`livejob start` deploys when it starts" in last
    assert "--deploy-on-change" in last


def test_large_change_is_cut_but_for_what_it_loses(screen: Screen) -> None:
    """All that is replaced or deleted is shown; of the rest the first, and how many more there are."""
    losing = [change(Effect.DELETE, f"Old{at}") for at in range(20)]
    others = [change(Effect.ADD, f"New{at}") for at in range(SHOWN_CHANGES + 7)]

    screen.report(StageOutdated([*losing, *others], "asked"))

    shown = screen.lines()[1:-1]
    assert 20 + SHOWN_CHANGES + 1 == len(shown)
    assert "    … and 7 more" == shown[-1]


def test_deployment_tells_each_resource_and_its_end(screen: Screen) -> None:
    """While it deploys there is a line for each resource that is done, and one for the whole."""
    screen.report(StageDeploying())
    screen.text.tell(step("CREATE_IN_PROGRESS", 1000))
    screen.text.tell(step("CREATE_COMPLETE", 3000))
    screen.report(StageDeployed([change(Effect.ADD, "JobMoreInvoker")], ["More"], ["Old"], 2.5))

    assert [
        "deploying …",
        "  + JobMoreInvoker  Lambda::Function  2.0 s",
        "✓ deployed in 2.5 s: 1 added",
        "  new here: More",
        "  no more here: Old",
    ] == screen.lines()


def test_failure_begins_with_its_reason(screen: Screen) -> None:
    """First what failed and why, then what holds, then the way out."""
    message = (
        "JobMoreRole (AWS::IAM::Role) CREATE_FAILED: no such action\nThe stack is UPDATE_ROLLBACK_COMPLETE."
    )

    screen.report(StageNotDeployed("deploy", message, "Mend the reason.", "asked"))

    assert [
        "✗ JobMoreRole (AWS::IAM::Role) CREATE_FAILED: no such action",
        "  The stack is UPDATE_ROLLBACK_COMPLETE.",
        "not deployed; the session goes on with the stage as it was",
        "  hint: Mend the reason.",
        "  save a mended definition, or press Enter to try again",
    ] == screen.lines()


def test_first_deployment_tells_only_what_fails(screen: Screen) -> None:
    """At the start of a session everything is new: one line says that it is deployed, and failures show."""
    screen.text.tell(step("CREATE_IN_PROGRESS", 1000))
    screen.text.tell(step("CREATE_COMPLETE", 2000))
    screen.text.tell(step("CREATE_FAILED", 3000, "no such action"))

    deploying, failed = screen.lines()
    assert "deploying the stage …" == deploying
    assert failed.startswith("✗ JobMoreInvoker") and "no such action" in failed
