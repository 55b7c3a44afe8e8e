"""Asks the person at the terminal before a stage is changed; with --yes, nobody is asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import click

from livejob.cli.stack_output import describe_changes
from livejob.deploy.changes import ResourceChange
from livejob.deploy.resources import StageContext, StageMode
from livejob.deploy.review import Repair
from livejob.deploy.stack_view import StackView
from livejob.errors import NotConfirmed

_MEANS = {
    "development": "a development stage, whose runs developers' sessions take",
    "production": "a production stage, whose runs CodeBuild executes",
}

_REPAIRS = {
    Repair.DELETE: "Its creation never ended well, so it holds no records: delete it and make it again?",
    Repair.ROLL_BACK: "Take the failed change back, then go on?",
}


class ConsoleReview:
    """A `Review`.

    command:   what was called, for a remedy: `livejob deploy`.
    is_yes:    everything is agreed to.
    is_silent: nobody can be asked, because stdout or stdin belongs to a program.
    asks_for_changes: asks as well before something is replaced or deleted.
    """

    def __init__(self, command: str, *, is_yes: bool, is_silent: bool, asks_for_changes: bool) -> None:
        self._command = command
        self._is_yes = is_yes
        self._is_silent = is_silent
        self._can_ask = not is_silent and sys.stdin.isatty()
        self._asks_for_changes = asks_for_changes

    def check_mode(self, stage: StageContext, before: StageMode) -> None:
        names = stage.names
        what = f"Stage {names.stage} of {names.app} is {_MEANS[before]}"
        if self._is_yes:
            return
        if not self._can_ask:
            raise NotConfirmed(
                f"{what}; this would make it {_MEANS[stage.mode]}.",
                remedy=f"Choose another stage (--stage), or say that it is meant: `{self._command} --yes`.",
            )
        self._ask(f"{what}.\nMake it {_MEANS[stage.mode]}?")

    def check_changes(self, changes: Sequence[ResourceChange]) -> None:
        losing = [each for each in changes if each.is_destructive]
        if self._is_yes or not self._asks_for_changes or not losing:
            return
        if not self._can_ask:
            names = ", ".join(each.logical_id for each in losing)
            raise NotConfirmed(f"These would be replaced or deleted: {names}.")
        click.echo(describe_changes(losing), err=True)
        self._ask("Go on?")

    def check_repair(self, stack: StackView, failure: str, repair: Repair) -> None:
        self.confirm(f"{failure}\nThe stack {stack.name} is {stack.status}. {_REPAIRS[repair]}")

    def tell_followed(self, stack: StackView) -> None:
        if self._is_silent:
            click.echo(json.dumps({"event": "Following", "stack": stack.name, "status": stack.status}))
        else:
            click.echo(
                f"The stack {stack.name} is {stack.status}: another deployment, or one that was interrupted. "
                "Following it, then going on:",
                err=True,
            )

    def confirm(self, question: str) -> None:
        """Ask, unless it is agreed to.

        Raises:
            NotConfirmed
        """
        if self._is_yes:
            return
        if not self._can_ask:
            raise NotConfirmed(f"{question}\n(Nobody can be asked.)", remedy=f"`{self._command} --yes`")
        self._ask(question)

    def _ask(self, question: str) -> None:
        if not click.confirm(question, err=True):
            raise NotConfirmed("Nothing was changed.", remedy="")
