"""The life of a container job's runs in a production stage, everything real: Docker, registry, CodeBuild."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from livejob.cli.exit_codes import ExitCode
from livejob.wire.limits import MIB
from tests.support.deployed_app import DeployedApp, app_in_local_aws
from tests.support.engine_fixtures import DockerUnderTest
from tests.support.live_command import live_command

SETTINGS = """
app = "boxes"
source = "src"

[jobs.Digest]
runtime = "container"
handler = "box"
when_disconnected = "run"
container = { cmd = ["printf %s \\"$SST_PAYLOAD\\" | sha256sum; sha256sum < \\"$LIVEJOB_PAYLOAD_FILE\\""] }

[jobs.Exit]
runtime = "container"
handler = "box"
container = { cmd = ["sh", "-c", "echo größe; echo oh >&2; echo; exit \\"$SST_PAYLOAD\\""] }

[jobs.Flaky]
runtime = "container"
handler = "box"
retries = 1
backoff = "1 second"
container = { cmd = ["echo $COLOR $LIVEJOB_JOB $LIVEJOB_ATTEMPT; test $LIVEJOB_ATTEMPT -eq 2"] }
environment = { COLOR = "blue" }

[jobs.Sleep]
runtime = "container"
handler = "box"
container = { cmd = ["sh", "/opt/sleeper.sh"] }
"""
SLEEPER = "echo asleep\nsleep 600\n"
DOCKERFILE = 'FROM {base}\nENTRYPOINT ["/nowhere"]\nCOPY sleeper.sh /opt/\n'
JOBS = "from livejob import job\n\n@job\ndef double(payload):\n    return 2 * payload\n"


def docker_says(app: DeployedApp, *arguments: str) -> list[str]:
    """The lines of a docker command."""
    done = subprocess.run(
        ["docker", *arguments], env=dict(app.environment), capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def images_of(app: DeployedApp) -> list[str]:
    """The names of the app's images in the engine."""
    names = docker_says(app, "images", "--format", "{{.Repository}}:{{.Tag}}")
    return [name for name in names if "/livejob-boxes-" in name]


@pytest.fixture(scope="module")
def app(
    docker: DockerUnderTest, busybox_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DeployedApp]:
    """An app with container jobs and a function, as stage `prod`; its image is in the registry alone."""
    directory = tmp_path_factory.mktemp("boxes")
    (directory / "livejob.toml").write_text(SETTINGS)
    (directory / "src/box").mkdir(parents=True)
    (directory / "src/jobs.py").write_text(JOBS)
    (directory / "src/box/Dockerfile").write_text(DOCKERFILE.format(base=busybox_image))
    (directory / "src/box/sleeper.sh").write_text(SLEEPER)
    with app_in_local_aws(directory, {"DOCKER_HOST": docker.endpoint.url}) as app:
        deployed = app.livejob("deploy", "--stage", "prod", "--local", "--yes")
        assert 0 == deployed.code, deployed.err
        assert 1 == deployed.err.count("building the image"), deployed.err
        docker_says(app, "rmi", *images_of(app))
        yield app
        docker_says(app, "rmi", *images_of(app))


def digests_of(app: DeployedApp, payload: bytes, directory: Path, *options: str) -> list[str]:
    """What a command found: of the variable, and of the file."""
    (directory / "payload.json").write_bytes(payload)
    ended = app.livejob("run", "Digest", "--payload-file", str(directory / "payload.json"), *options)
    assert (0, "null\n") == (ended.code, ended.out), ended.err
    return [word for line in ended.err.splitlines() for word in line.split() if len(word) == 64]


@pytest.mark.parametrize("payload", ["0", "false", "null", '""', '{"name":"Mia 😀\\n\\n","n":1}'])
def test_a_payload_arrives_byte_by_byte(app: DeployedApp, payload: str, tmp_path: Path):
    """Falsy values and what is beyond ASCII too, in the variable and in the file."""
    expected = hashlib.sha256(payload.encode()).hexdigest()

    assert [expected] * 2 == digests_of(app, payload.encode(), tmp_path)


def test_a_large_payload_is_a_file(app: DeployedApp, tmp_path: Path):
    """What is too large for a variable is in the file alone."""
    payload = json.dumps("größe 😀 " * (10 * MIB // 14), ensure_ascii=False).encode()

    expected = [hashlib.sha256(each).hexdigest() for each in (b"", payload)]

    assert expected == digests_of(app, payload, tmp_path)


def test_the_exit_code_is_the_commands(app: DeployedApp):
    """It decides, and is kept with the attempt; what the command wrote is in the log."""
    failed = app.run("Exit", 3)
    succeeded = app.run("Exit", 0)

    assert ("FAILED", "CommandFailed") == (failed["state"], failed["failure"]["type"])
    assert "its command ended with exit code 3" == failed["failure"]["message"]
    assert [3, 0] == [each["attempts"][0]["exit_code"] for each in (failed, succeeded)]
    assert ("SUCCEEDED", None) == (succeeded["state"], succeeded["result"])
    assert "größe\noh\n\n" == app.livejob("logs", failed["id"]).out


def test_a_failed_command_is_tried_again(app: DeployedApp):
    """With the job's variables and a payload that lies apart, and all that is known of both attempts."""
    run = app.run("Flaky", "x" * 100_000)

    shown = app.show(run["id"])
    assert ("SUCCEEDED", [1, 0]) == (run["state"], [each["exit_code"] for each in shown["attempts"]])
    assert ["queued", "provisioning", "starting", "run"] == list(shown["phases"])
    assert shown["bundle"].startswith("image:")
    assert 0 < shown["cost"]["spent_usd"]
    assert "blue Flaky 2\n" == app.livejob("logs", run["id"]).out


def test_a_running_command_is_cancelled(app: DeployedApp):
    """Its build is stopped, and the run is CANCELLED."""
    run_id = app.start("Sleep")
    app.wait_state(run_id, "RUNNING")

    cancelled = app.livejob("cancel", run_id)

    assert "its command has a moment to clean up" in cancelled.err
    assert app.livejob("logs", "-f", run_id).out.startswith("asleep\n")
    assert "CANCELLED" == app.show(run_id)["state"]


def test_a_function_is_beside_it(app: DeployedApp):
    """Functions of the same stage have their own way."""
    assert 42 == app.run("Double", 21)["result"]


def test_an_unchanged_image_is_not_built_again(app: DeployedApp):
    """A deployment asks the registry and finds it there, also without an engine."""
    without_engine = DeployedApp(app.directory, {**app.environment, "DOCKER_HOST": "tcp://127.0.0.1:1"})

    deployed = without_engine.livejob("deploy", "--stage", "prod", "--local", "--yes")
    diff = without_engine.livejob("diff", "--stage", "prod", "--local")

    assert 0 == deployed.code, deployed.err
    assert "nothing has changed" in deployed.err
    assert "nothing would change" in diff.out


def test_a_changed_image_needs_an_engine(app: DeployedApp):
    """`diff` says which project is changed; a deployment without an engine changes nothing and says why."""
    without_engine = DeployedApp(app.directory, {**app.environment, "DOCKER_HOST": "tcp://127.0.0.1:1"})
    sleeper = app.directory / "src/box/sleeper.sh"
    sleeper.write_text(f"{SLEEPER}\n# changed\n")

    diff = without_engine.livejob("diff", "--stage", "prod", "--local")
    deployed = without_engine.livejob("deploy", "--stage", "prod", "--local", "--yes")
    sleeper.write_text(SLEEPER)

    assert "JobSleepProject" in diff.out
    assert ExitCode.SURROUNDINGS == deployed.code
    assert "the image of Sleep has to be built" in deployed.err
    assert "nothing has changed" in app.livejob("deploy", "--stage", "prod", "--local", "--yes").err


def test_a_development_stage_without_a_session_runs_all_the_same(app: DeployedApp, tmp_path: Path):
    """A container job with that policy has its image in the stage's repository too."""
    with live_command(app.directory, "--engine", "process", environment=app.environment):
        pass

    found = digests_of(app, b"1", tmp_path, "--stage", "e2e")

    assert [hashlib.sha256(b"1").hexdigest()] * 2 == found


def test_a_stage_that_is_removed_leaves_no_image(app: DeployedApp):
    """The repository goes with the stage; the next deployment makes it again."""
    app.livejob("deploy", "--stage", "brief", "--local", "--yes")

    removed = app.livejob("remove", "--stage", "brief", "--local", "--yes")
    again = app.livejob("deploy", "--stage", "brief", "--local", "--yes")

    assert 0 == removed.code, removed.err
    assert 1 == again.err.count("building the image"), again.err
