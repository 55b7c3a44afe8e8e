"""What `livejob doctor` looks at in AWS, the local one or the real one: account, clock, who is attached."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from importlib.util import find_spec

from livejob.cli.findings import Finding, Level, find
from livejob.cli.run_text import human_age
from livejob.cli.wiring import Target, local_aws_directory
from livejob.clock import Clock
from livejob.errors import AwsError, EmulatorMissing, NotDeployed
from livejob.local_aws.ports import listen
from livejob.local_aws.state import find_local_aws
from livejob.project.settings import Settings
from livejob.runs.model import Session

SKEW_MAX_S = 10.0
"""A lease lasts 30 s and is judged by other clocks than the one that it was written by."""


def look_at_local_aws(settings: Settings, is_wanted: bool) -> Finding:
    """Whether it runs; if not, whether it could be started, which not everybody wants."""

    def look() -> Finding:
        state = find_local_aws(local_aws_directory(settings))
        if state is not None:
            text = f"runs at {state.endpoint_url} (MiniStack {state.version}, pid {state.pid})"
            return Finding("local AWS", Level.OK, text)
        if find_spec("ministack") is None:
            raise EmulatorMissing("MiniStack is not installed, so there is no `livejob start --local`")
        with listen(settings.local_aws_port) as listener:
            port = listener.getsockname()[1]
        return Finding("local AWS", Level.OK, f"does not run; port {port} is free for it")

    return find("local AWS", look, Level.FAULT if is_wanted else Level.NOTE)


def look_at_aws(target: Target, clock: Clock) -> list[Finding]:
    """Whose account this is, and whether its clock and this machine's agree."""
    sts = target.open_sts()
    dates: list[str] = []
    # Also of an answer that refuses: a clock that is far off is one reason for that.
    sts.meta.events.register(
        "after-call.sts.GetCallerIdentity",
        lambda http_response, **_: dates.append(http_response.headers.get("date", "")),
    )

    def look() -> Finding:
        identity = target.identify(sts)
        text = f"account {identity['Account']}, {target.region}, as {identity['Arn']}"
        return Finding("AWS", Level.OK, text)

    account = find("AWS", look)
    return [account, *(_clock_finding(date, clock) for date in dates[:1] if date)]


def _clock_finding(date: str, clock: Clock) -> Finding:
    """date: as HTTP has it, whole seconds."""
    theirs_ms = parsedate_to_datetime(date).astimezone(UTC).timestamp() * 1000
    skew_s = (clock.now_ms() - theirs_ms) / 1000
    if abs(skew_s) <= SKEW_MAX_S:
        return Finding("clock", Level.OK, f"agrees with AWS's within {SKEW_MAX_S:.0f} s")
    side = "ahead of" if skew_s > 0 else "behind"
    text = f"{abs(skew_s):.0f} s {side} AWS's: runs may be taken for lost while they go on"
    return Finding("clock", Level.FAULT, text, "Let the system set its clock: `timedatectl set-ntp true`.")


def look_at_sessions(target: Target, clock: Clock) -> Finding:
    """Who is attached to the stage."""
    stage = target.names.stage
    try:
        sessions = target.open_sessions().live(clock.now_ms())
    except NotDeployed:
        remedy = "`livejob start` deploys it."
        return Finding("sessions", Level.OK, f"stage {stage} is not deployed here yet", remedy)
    except AwsError as error:
        return Finding("sessions", Level.FAULT, f"{error.code} {error.message}", error.remedy)
    lines = [_session_line(each, clock.now_ms()) for each in sessions]
    return Finding("sessions", Level.OK, "\n".join(lines) or f"nobody is attached to stage {stage}")


def _session_line(session: Session, now_ms: int) -> str:
    age = human_age((now_ms - session.started_ms) / 1000)
    jobs = f", for {', '.join(session.jobs)}" if session.jobs else ""
    return f"{session.owner} on {session.host} (pid {session.pid}) for {age}{jobs}"
