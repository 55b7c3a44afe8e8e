"""`livejob run`: start a run of a job through its invoker, as any caller does, and follow it to its end.

The result goes to stdout, so that it can be piped; everything else to stderr. The exit code tells how the
run ended. Ctrl-C stops following, not the run.
"""

from __future__ import annotations

import secrets
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from livejob.cli.duration import DURATION
from livejob.cli.exit_codes import ExitCode
from livejob.cli.following import Following
from livejob.cli.options import GlobalOptions, global_options
from livejob.cli.payload_input import read_payload
from livejob.cli.wiring import Target, open_settings, open_target
from livejob.errors import UnknownJob
from livejob.local_runner.debug.wanted import WantedRuns
from livejob.project.loading import discover_jobs
from livejob.project.settings import Settings


@click.command()
@click.argument("job")
@click.argument("dash", metavar="[-]", required=False, type=click.Choice(["-"]))
@click.option("--payload", metavar="JSON", help="The payload; default: null.")
@click.option(
    "--payload-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="File with the payload; `-`, also as a bare argument, is standard input.",
)
@click.option("--key", metavar="TEXT", help="Idempotency key: a second run with it is not started.")
@click.option("--detach", is_flag=True, help="Do not follow; print the run's id.")
@click.option("--timeout", metavar="DURATION", type=DURATION, help="Follow no longer; the run goes on.")
@click.option("--json", "is_json", is_flag=True, help="Print the run's whole record, result included.")
@global_options
@click.option(
    "--debug",
    is_flag=True,
    help="Let it wait for a debugger before its first line; show tracebacks of errors.",
)
def command(  # noqa: PLR0913 - one argument for each option
    options: GlobalOptions,
    *,
    job: str,
    dash: str | None,
    payload: str | None,
    payload_file: Path | None,
    key: str | None,
    debug: bool,
    detach: bool,
    timeout: float | None,
    is_json: bool,
) -> ExitCode:
    """Start a run of JOB and follow it to its end.

    Prints the result as JSON; the run's output and states go to stderr. The exit code tells how the run
    ended: 0 succeeded, 10 failed, 11 timed out, 12 cancelled, 13 lost, 14 expired, 15 skipped. Ctrl-C stops
    following; the run goes on.
    """
    if sum(each is not None for each in (dash, payload, payload_file)) > 1:
        raise click.UsageError("give the payload once: --payload, --payload-file or -")
    value = read_payload(payload, Path("-") if dash else payload_file)
    settings = open_settings(options)
    target = open_target(settings, options.is_local)
    if debug:
        key = key or f"debug-{secrets.token_hex(8)}"
        WantedRuns(settings.livejob_directory).ask(key)
    handle = _start(target, settings, job, value, key)
    following = Following(target, settings, timeout, is_json)
    return following.detach(handle.id, job) if detach else following.follow(handle.id)


def _start(target: Target, settings: Settings, job: str, payload: object, key: str | None) -> Any:
    try:
        return target.open_client().run(job, payload, key=key)
    except UnknownJob as error:
        raise UnknownJob(error.message, remedy=_remedy_for_unknown(settings, job)) from error


def _remedy_for_unknown(settings: Settings, job: str) -> str:
    known = sorted(discover_jobs(settings).jobs)
    if job in known:
        return f"It is in the source; `livejob start --stage {settings.stage}` deploys it."
    close = get_close_matches(job, known, 1, cutoff=0.5)
    return f"Did you mean {close[0]}?" if close else f"The source has {', '.join(known) or 'no job'}."
