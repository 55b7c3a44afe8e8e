"""`livejob doctor`: each thing a start needs, found well or found wanting."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from livejob.cli.doctor_aws import look_at_aws
from livejob.cli.findings import Level
from livejob.cli.options import GlobalOptions
from livejob.cli.session import new_session
from livejob.cli.wiring import Target, open_settings, open_target
from livejob.clock import EpochMs, SteppedClock, SystemClock
from tests.support.cli_fixtures import AppUnderTest, Told

OTHER = "python3.12" if sys.version_info[:2] != (3, 12) else "python3.13"
"""A runtime that is not this Python's."""


@pytest.fixture(autouse=True)
def _plain_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the answers do not hang on whether this machine has Docker."""
    monkeypatch.setenv("LIVEJOB_ENGINE", "process")


def found(told: Told) -> dict[str, dict[str, Any]]:
    """The findings of a --json answer by what was looked at."""
    return {each["what"]: each for each in told.json["findings"]}


def target_of(app: AppUnderTest) -> Target:
    options = GlobalOptions(stage=None, is_local=False, region=None, profile=None, app_dir=app.root)
    return open_target(open_settings(options), is_local=False)


def test_all_is_well(app: AppUnderTest) -> None:
    """With everything in place each finding is good, and the exit code is 0."""
    told = app.livejob("doctor", "--aws", "--json")

    findings = found(told)
    assert (0, True) == (told.code, told.json["ok"]), told.out
    assert {"ok"} == {each["level"] for each in findings.values()} - {"note"}
    assert "MonthlyReport, Resize" == findings["jobs"]["found"]
    assert f"account {app.stage.aws.account}, {app.stage.aws.region}, as arn:" in findings["AWS"]["found"]
    assert "agrees with AWS's within 10 s" == findings["clock"]["found"]
    assert "nobody is attached to stage dev" == findings["sessions"]["found"]


def test_text_has_a_line_for_each_finding_and_its_hint(app: AppUnderTest) -> None:
    """A person reads marks, findings and hints on stdout; AWS is not asked without being told to."""
    told = app.livejob("doctor")

    lines = told.out.splitlines()
    assert 0 == told.code
    assert any(line.startswith("✓ jobs ") and line.endswith("MonthlyReport, Resize") for line in lines)
    at = next(number for number, line in enumerate(lines) if line.startswith("! AWS "))
    assert lines[at].endswith("not looked at")
    assert lines[at + 1].strip() == "hint: `livejob doctor --aws` looks at your account."


def test_what_hides_a_job_is_a_fault(app: AppUnderTest) -> None:
    """A file that cannot be parsed is named with its line; the exit code is 1."""
    (app.root / "src/jobs.py").write_text("from livejob import job\ndef broken(:\n")

    told = app.livejob("doctor", "--json")

    assert (1, False, "fault") == (told.code, told.json["ok"], found(told)["jobs"]["level"])
    assert "src/jobs.py:2: invalid syntax" in found(told)["jobs"]["found"]


def test_missing_app_ends_the_examination(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, app: AppUnderTest
) -> None:
    """Outside of an app, what can be known without one is told."""
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))

    told = app.livejob("doctor", "--json")

    assert (1, ["python", "debugger", "app"]) == (told.code, list(found(told)))
    assert found(told)["app"]["found"].startswith("LJ-101 ")


def test_sessions_are_named(app: AppUnderTest) -> None:
    """Whoever is attached to the stage is told with machine and process."""
    session = replace(new_session(SystemClock()), owner="mia", host="tower", pid=4711, jobs=("Resize",))
    app.stage.open_sessions().attach(session)

    told = app.livejob("doctor", "--aws", "--json")

    text = found(told)["sessions"]["found"]
    assert text.startswith("mia on tower (pid 4711) for ")
    assert text.endswith(", for Resize")


def test_stage_that_is_not_there_yet_is_no_fault(app: AppUnderTest) -> None:
    """A start deploys it."""
    told = app.livejob("doctor", "--aws", "--stage", "new", "--json")

    assert 0 == told.code
    assert "stage new is not deployed here yet" == found(told)["sessions"]["found"]


def test_wrong_credentials_are_a_fault(app: AppUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What AWS does not accept is told with what to do about it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANOBODYNOBODY")

    told = app.livejob("doctor", "--aws", "--json")

    assert (1, "fault") == (told.code, found(told)["AWS"]["level"])
    assert "aws sso login" in found(told)["AWS"]["remedy"]


@pytest.mark.parametrize(
    ("off_s", "level", "words"),
    [
        (60, Level.FAULT, " s ahead of AWS's"),
        (-60, Level.FAULT, " s behind AWS's"),
        (0, Level.OK, "agrees with AWS's within 10 s"),
    ],
)
def test_clock_that_is_off_is_a_fault(app: AppUnderTest, off_s: int, level: Level, words: str) -> None:
    """The time in AWS's own answer is what the machine's is compared with."""
    clock = SteppedClock(EpochMs(SystemClock().now_ms() + off_s * 1000))

    _, finding = look_at_aws(target_of(app), clock)

    assert ("clock", level) == (finding.what, finding.level)
    assert words in finding.found


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(("flags", "level"), [((), "note"), (("--local",), "fault")])
def test_taken_port_is_told_with_who_has_it(
    app: AppUnderTest,
    taken_port: int,
    monkeypatch: pytest.MonkeyPatch,
    flags: tuple[str, ...],
    level: str,
) -> None:
    """The local AWS could not start; that is a fault only for those who want it."""
    monkeypatch.setenv("LIVEJOB_LOCAL_AWS_PORT", str(taken_port))

    told = app.livejob("doctor", "--json", *flags)

    finding = found(told)["local AWS"]
    assert level == finding["level"]
    assert f"LJ-601 Port {taken_port} of 127.0.0.1 cannot be used: " in finding["found"]


def test_runtime_that_plain_processes_have_not_is_noted(app: AppUnderTest) -> None:
    """Without a container a job gets livejob's own Python, whatever it asks for."""
    source: Path = app.root / "src/jobs.py"
    source.write_text(source.read_text().replace("@job\ndef resize", f'@job(runtime="{OTHER}")\ndef resize'))

    told = app.livejob("doctor", "--json")

    assert "note" == found(told)[OTHER]["level"]


def test_engine_that_does_not_answer_is_a_fault(app: AppUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Docker is asked for by name, nothing else will do."""
    monkeypatch.setenv("LIVEJOB_ENGINE", "docker")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{app.root}/no.sock")

    told = app.livejob("doctor", "--json")

    assert (1, "fault") == (told.code, found(told)["engine"]["level"])
    assert "LJ-401" in found(told)["engine"]["found"]


def add_container_job(app: AppUnderTest, dockerfile: str | None) -> None:
    with (app.root / "livejob.toml").open("a") as settings:
        settings.write(
            '\n[jobs.Render]\nruntime = "container"\nhandler = "render"\ncontainer = { cmd = ["render"] }\n'
        )
    (app.root / "src/render").mkdir()
    if dockerfile is not None:
        (app.root / "src/render/Dockerfile").write_text(dockerfile)


def test_container_job_needs_containers(app: AppUnderTest) -> None:
    """Without Docker the job cannot run here; what its image is made from is told all the same."""
    add_container_job(app, "FROM base\n")

    findings = found(app.livejob("doctor", "--json"))

    assert ("fault", "no engine runs the container jobs (Render)") == (
        findings["docker"]["level"],
        findings["docker"]["found"],
    )
    assert ("ok", f"image of {app.root}/src/render (Dockerfile), 1 file, 0.0 MiB") == (
        findings["Render"]["level"],
        findings["Render"]["found"],
    )


def test_container_job_needs_a_dockerfile(app: AppUnderTest) -> None:
    """A directory without a Dockerfile is a fault before any build."""
    add_container_job(app, None)

    finding = found(app.livejob("doctor", "--json"))["Render"]

    assert ("fault", f"LJ-407 there is no {app.root}/src/render/Dockerfile") == (
        finding["level"],
        finding["found"],
    )
