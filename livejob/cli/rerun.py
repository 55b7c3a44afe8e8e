"""`livejob rerun`: start a run again, with the same payload or another, as a run of its own."""

from __future__ import annotations

from pathlib import Path

import click

from livejob.cli.documents import read_document
from livejob.cli.duration import DURATION
from livejob.cli.exit_codes import ExitCode
from livejob.cli.following import Following
from livejob.cli.options import GlobalOptions, global_options
from livejob.cli.payload_input import read_payload
from livejob.cli.run_lookup import find_run
from livejob.cli.wiring import open_settings, open_target
from livejob.project.loading import discover_jobs


@click.command()
@click.argument("run")
@click.option("--payload", metavar="JSON", help="Another payload; default: that of RUN.")
@click.option(
    "--payload-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="File with another payload; `-` is standard input.",
)
@click.option("--detach", is_flag=True, help="Do not follow; print the new run's id.")
@click.option("--timeout", metavar="DURATION", type=DURATION, help="Follow no longer; the run goes on.")
@click.option("--json", "is_json", is_flag=True, help="Print the new run's whole record, result included.")
@global_options
def command(  # noqa: PLR0913 - one argument for each option
    options: GlobalOptions,
    *,
    run: str,
    payload: str | None,
    payload_file: Path | None,
    detach: bool,
    timeout: float | None,
    is_json: bool,
) -> ExitCode:
    """Start a new run of RUN's job with RUN's payload (its id, or the last digits of it), and follow it.

    RUN itself stays as it is; its idempotency key is not used again. Output and exit code are as those of
    `livejob run`.
    """
    if payload is not None and payload_file is not None:
        raise click.UsageError("give the payload once: --payload or --payload-file")
    settings = open_settings(options)
    target = open_target(settings, options.is_local)
    found = find_run(target.open_runs(), discover_jobs(settings).jobs, run)
    is_same = payload is None and payload_file is None
    value = read_document(target, found.payload) if is_same else read_payload(payload, payload_file)
    handle = target.open_client().run(found.job, value)
    following = Following(target, settings, timeout, is_json)
    return following.detach(handle.id, found.job) if detach else following.follow(handle.id)
