"""What a changed job definition needs is deployed while the session goes on, everything real."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.live_command import QUICKSTART, copy_app, live_command
from tests.support.terminal_command import TerminalCommand, terminal_command

HOLD = """
import time
from pathlib import Path
from livejob import job

@job
def hold(payload):
    print("begun")
    while not Path(payload).exists():
        time.sleep(0.01)
    return "old"
"""
MORE = """
from livejob import job

@job
def more(payload):
    return payload + 1
"""
OTHER = MORE.replace("more", "other")

LISTING = """
import boto3

def list_reports(payload):
    return boto3.client("s3").list_objects_v2(Bucket="quickstart-reports")["KeyCount"]
"""
TABLE = """
[jobs.ListReports]
handler = "listing.list_reports"
"""
PERMISSIONS = (
    'permissions = [{ actions = ["s3:ListBucket"], resources = ["arn:aws:s3:::quickstart-reports"] }]\n'
)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return copy_app(QUICKSTART, tmp_path)


def occupy(command: TerminalCommand, job: str) -> str:
    """Have somebody else own the job's parameter, so that CloudFormation cannot make it; its name."""
    name = f"/livejob/quickstart/e2e/jobs/{job}/invoker"
    command.as_admin("ssm").put_parameter(Name=name, Value="x", Type="String")
    return name


def test_enter_deploys_and_runs_go_on(app: Path) -> None:
    """A new job is shown, deployed on Enter and run, while a run goes on; a removed one is shown as lost."""
    (app / "src" / "hold.py").write_text(HOLD)
    with terminal_command(app) as command:
        held = command.livejob(
            "run", "Hold", "--payload", json.dumps(str(app / "go")), "--detach"
        ).out.strip()
        command.wait_text("begun")

        (app / "src" / "more.py").write_text(MORE)
        shown = command.wait_text("Enter deploys this")
        command.press_enter()
        told = command.wait_text("new here: More")
        ran = command.livejob("run", "More", "--payload", "41")

        (app / "src" / "more.py").unlink()
        lost = command.wait_text("Enter deploys this")
        (app / "src" / "more.py").write_text(MORE)
        command.wait_text("nothing to deploy any more")

        (app / "go").touch()
        kept = command.livejob("logs", held, "--follow").code, command.livejob("show", held, "--json").out

    assert "+ JobMoreInvoker" in shown and "5 to add" in shown
    assert "JobMoreInvoker" in told and "deployed in" in told
    assert (0, "42\n") == (ran.code, ran.out)
    assert "JobMoreInvoker" in lost and "is DELETED" in lost
    assert (0, "SUCCEEDED") == (kept[0], json.loads(kept[1])["state"])


def test_failed_deployment_leaves_the_session_alive(app: Path) -> None:
    """The failing resource's reason comes first; Enter tries again, and the session works meanwhile."""
    with terminal_command(app) as command:
        parameter = occupy(command, "Other")
        (app / "src" / "other.py").write_text(OTHER)
        command.wait_text("Enter deploys this")
        command.press_enter()
        failed = command.wait_text("press Enter to try again")
        divided = command.livejob("run", "Divide", "--payload", '{"a": 6, "b": 3}')

        command.as_admin("ssm").delete_parameter(Name=parameter)
        command.press_enter()
        command.wait_text("new here: Other")
        ran = command.livejob("run", "Other", "--payload", "1")

    reason = next(line for line in failed.splitlines() if "✗" in line)
    assert "JobOtherParameter" in reason
    assert (0, "2.0\n") == (divided.code, divided.out)
    assert (0, "2\n") == (ran.code, ran.out)


def test_it_deploys_by_itself_where_set(app: Path) -> None:
    """With `deploy_on_change`, permissions given to a job in livejob.toml are there for its next run."""
    toml = app / "livejob.toml"
    (app / "src" / "listing.py").write_text(LISTING)
    toml.write_text(f"deploy_on_change = true\n{toml.read_text()}{TABLE}")
    with live_command(app, "--engine", "process") as command:
        before = command.livejob("run", "ListReports", "--payload", "null")
        toml.write_text(toml.read_text() + PERMISSIONS)
        deployed = command.wait_event("StageDeployed")
        after = command.livejob("run", "ListReports", "--payload", "null")

    assert (10, 0) == (before.code, after.code), after.err
    assert "AccessDenied" in before.err
    assert ["JobListReportsRole"] == [each["logical_id"] for each in deployed["changes"]]
