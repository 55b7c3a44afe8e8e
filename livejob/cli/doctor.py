"""`livejob doctor`: looks at all that a start needs, says what it found, and what mends it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from livejob.cli.doctor_aws import look_at_aws, look_at_local_aws, look_at_sessions
from livejob.cli.doctor_machine import (
    look_at_app,
    look_at_debugger,
    look_at_engine,
    look_at_jobs,
    look_at_python,
)
from livejob.cli.doctor_watches import look_at_watches
from livejob.cli.exit_codes import ExitCode
from livejob.cli.findings import Finding, Level, finding_lines, findings_document, has_fault
from livejob.cli.options import GlobalOptions, global_options
from livejob.cli.run_document import shown_json
from livejob.cli.wiring import Target, open_settings, open_target
from livejob.clock import Clock, SystemClock
from livejob.errors import LivejobError, LocalAwsNotRunning
from livejob.project.loading import discover_jobs
from livejob.project.settings import Settings


@click.command()
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
@global_options
def command(options: GlobalOptions, is_json: bool) -> ExitCode:
    """Look at all that `livejob start` needs, and say what mends it.

    Of AWS, the local one is looked at where it runs, the account with --aws. Changes nothing. Exit code 1
    when something would keep a session from working.
    """
    findings = list(look_at_everything(options, SystemClock()))
    if is_json:
        click.echo(shown_json(findings_document(findings)))
    else:
        for line in finding_lines(findings):
            click.echo(line)
    return ExitCode.ERROR if has_fault(findings) else ExitCode.OK


def look_at_everything(options: GlobalOptions, clock: Clock) -> Iterator[Finding]:
    """In the order in which one thing needs the other; what cannot be looked at any more is left out."""
    yield look_at_python()
    yield look_at_debugger()
    try:
        settings = open_settings(options)
    except LivejobError as error:
        yield Finding("app", Level.FAULT, f"{error.code} {error.message}", error.remedy)
        return
    yield look_at_app(settings)
    discovery = discover_jobs(settings)
    yield look_at_jobs(discovery, settings)
    yield look_at_watches(settings.source_directory)
    if options.is_local is not False:
        yield look_at_local_aws(settings, is_wanted=bool(options.is_local))
    target = _target(options, settings)
    yield from look_at_engine(
        settings, discovery.jobs, target.endpoint_url if isinstance(target, Target) else None
    )
    if isinstance(target, Finding):
        yield target
        return
    yield from look_at_aws(target, clock)
    yield look_at_sessions(target, clock)


def _target(options: GlobalOptions, settings: Settings) -> Target | Finding:
    """The AWS to look at. Without a word of the person's, the real one is not asked."""
    is_real = options.is_local is False or settings.origins.get("profile") == "--profile"
    try:
        return open_target(settings, not is_real)
    except LocalAwsNotRunning:
        return Finding("AWS", Level.NOTE, "not looked at", "`livejob doctor --aws` looks at your account.")
    except LivejobError as error:
        return Finding("AWS", Level.FAULT, f"{error.code} {error.message}", error.remedy)
