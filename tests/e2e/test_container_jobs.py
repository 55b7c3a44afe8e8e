"""The example of container jobs under `livejob start --local`, everything real: commands, images, roles."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.api.client import APIClient

from tests.support.container_sessions import remove_images
from tests.support.engine_fixtures import DockerUnderTest
from tests.support.live_command import DEADLINE_S, LiveCommand, copy_app, live_command

EXAMPLE = Path(__file__).parents[2] / "examples" / "containers"

PROBES = """
[jobs.Echo]
runtime = "container"
handler = "word-count"
timeout = "5 minutes"
container = { cmd = ['printf "%s" "$SST_PAYLOAD"'], build_args = { BASE = "BUSYBOX" } }

[jobs.Sleep]
runtime = "container"
handler = "word-count"
timeout = "5 minutes"
container = { cmd = ["echo asleep; sleep 600"], build_args = { BASE = "BUSYBOX" } }
"""


def copy_with_local_bases(parent: Path, docker: DockerUnderTest, busybox: str) -> Path:
    """The example, made of images that are in the engine instead of a registry's."""
    directory = copy_app(EXAMPLE, parent)
    file = directory / "livejob.toml"
    text = file.read_text() + PROBES.replace("BUSYBOX", busybox)
    python = f'build_args = {{ BASE = "{docker.image}" }}'
    text = text.replace('build_args = { PACKAGES = "boto3" }', python)
    text = text.replace('my-script.py"] }', f'my-script.py"], {python} }}')
    text = text.replace('word-count.sh"] }', f'word-count.sh"], build_args = {{ BASE = "{busybox}" }} }}')
    file.write_text(text)
    return directory


@pytest.fixture(scope="module")
def command(
    docker: DockerUnderTest, busybox_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveCommand]:
    """A session of the example."""
    directory = copy_with_local_bases(tmp_path_factory.mktemp("containers"), docker, busybox_image)
    with live_command(directory, "--engine", "docker") as command:
        yield command
    remove_images(docker, "livejob/containers-e2e-")


def test_the_examples_script_runs(command: LiveCommand) -> None:
    """The command's output is followed, its result is null, and the exit code is 0."""
    ended = command.livejob("run", "SquareRoot", "--payload", '{"number": 16}')

    assert (0, "null\n") == (ended.code, ended.out)
    assert "Square root of 16 is 4.0" in ended.err


def test_exit_code_is_in_the_record_and_stderr_apart(command: LiveCommand) -> None:
    """A command that ends with 3: `run` ends with 10, `show` and the logs have the rest."""
    run = command.run_json("SquareRoot", {"number": -1})
    logs = command.livejob("logs", run["id"], "--json")

    assert ("FAILED", "CommandFailed") == (run["state"], run["failure"]["type"])
    assert "its command ended with exit code 3" == run["failure"]["message"]
    assert 3 == run["attempts"][-1]["exit_code"]
    lines = [json.loads(line) for line in logs.out.splitlines()]
    assert [("stderr", "-1 has no square root")] == [(each["stream"], each["text"]) for each in lines]


@pytest.mark.parametrize("payload", ["0", "false", "null", '""', "{}", '{"größe": "äöü \\u2028 😀"}'])
def test_payload_is_there_as_it_was_sent(command: LiveCommand, payload: str) -> None:
    """Falsy and non-ASCII payloads are in SST_PAYLOAD, as a caller's JSON has them."""
    run = command.run_json("Echo", json.loads(payload))
    output = command.wait_event("RunOutput", run_id=run["id"])

    assert ("SUCCEEDED", json.loads(payload)) == (run["state"], json.loads(output["line"]["text"]))


def test_large_payload_is_in_the_file(command: LiveCommand) -> None:
    """300 KB, which no variable holds, are read from LIVEJOB_PAYLOAD_FILE."""
    text = json.dumps("ä" * 150_000, ensure_ascii=False)

    ended = command.livejob("run", "WordCount", "-", stdin=text)

    assert 0 == ended.code
    assert f"{len(text.encode())} bytes" in ended.err


def test_command_has_the_jobs_role(command: LiveCommand) -> None:
    """boto3 in the image finds the role's credentials, and what the role does not allow is refused."""
    stored = command.livejob("run", "StoreRoot", "--payload", '{"number": 2}')
    body = (
        command.admin()
        .client("s3", endpoint_url=command.endpoint_url)
        .get_object(Bucket="containers-roots", Key="2.txt")["Body"]
        .read()
    )

    assert 0 == stored.code, stored.err
    assert b"1.4142135623730951" == body


def test_run_is_cancelled_and_shown_and_run_again(command: LiveCommand) -> None:
    """`cancel` ends the command; `runs` and `show` tell of it; `rerun` begins another one."""
    run_id = command.livejob("run", "Sleep", "--detach").out.strip()
    command.wait_event("RunOutput", run_id=run_id)

    command.livejob("cancel", run_id)
    ended = command.wait_event("RunEnded", run_id=run_id)
    shown = command.livejob("show", run_id)
    listed = command.livejob("runs")
    again = command.livejob("rerun", run_id, "--detach")
    command.livejob("cancel", again.out.strip())

    assert "CANCELLED" == ended["state"]
    assert "Cancelled" in shown.out
    assert run_id in listed.out
    assert "CANCELLED" == command.wait_event("RunEnded", run_id=again.out.strip())["state"]


def test_save_is_in_the_next_run_and_a_broken_dockerfile_is_told(command: LiveCommand) -> None:
    """What a save breaks is said at once and by the run that meets it; what mends it, too."""
    directory = command.directory / "src" / "square-root"
    script, dockerfile = directory / "my-script.py", directory / "Dockerfile"
    good = dockerfile.read_text()
    script.write_text(script.read_text().replace("Square root", "The root"))
    saved = command.livejob("run", "SquareRoot", "--payload", '{"number": 9}')

    dockerfile.write_text(f"{good}RUN exit 7\n")
    problem = command.wait_event("SourceProblem", where="square-root/Dockerfile:9")
    broken = command.livejob("run", "SquareRoot", "--payload", '{"number": 9}')
    dockerfile.write_text(good)
    command.wait_event("SourceMended", path="square-root/Dockerfile")
    mended = command.livejob("run", "SquareRoot", "--payload", '{"number": 9}')

    assert "The root of 9 is 3.0" in saved.err
    assert "returned a non-zero code: 7" in problem["message"]
    assert 10 == broken.code
    assert "ImageNotBuilt" in broken.err
    assert 0 == mended.code


def test_changed_command_is_in_the_next_run(command: LiveCommand) -> None:
    """A container job's table in livejob.toml is followed as decorators are."""
    file = command.directory / "livejob.toml"
    file.write_text(file.read_text().replace("""printf "%s" \"""", """printf "said %s" \""""))
    command.wait_event("JobsChanged", applied=["Echo"])

    run = command.run_json("Echo", 1)

    assert "said 1" == command.wait_event("RunOutput", run_id=run["id"])["line"]["text"]


def test_killed_daemon_leaves_no_command(tmp_path: Path, docker: DockerUnderTest, busybox_image: str) -> None:
    """After kill -9 the command ends by itself, and the next start removes what is left of its container."""
    directory = copy_with_local_bases(tmp_path, docker, busybox_image)
    api = APIClient(docker.endpoint.url)
    with live_command(directory, "--engine", "docker") as first:
        run_id = first.livejob("run", "Sleep", "--detach").out.strip()
        first.wait_event("RunOutput", run_id=run_id)
        [container] = [each["Id"] for each in api.containers() if "/codebuild/" in each["Command"]]

        os.killpg(first.process.pid, signal.SIGKILL)
        first.process.wait()
        api.wait(container, timeout=DEADLINE_S)

    with live_command(directory, "--engine", "docker") as second:
        second.wait_event("Warned")
        left = [each for each in api.containers(all=True) if each["Id"] == container]
    api.close()

    assert [] == left


def test_without_an_engine_the_run_says_so(tmp_path: Path) -> None:
    """In the process engine a container job's run fails with the reason, and the session goes on."""
    directory = copy_app(EXAMPLE, tmp_path)
    with live_command(directory, "--engine", "process") as command:
        ended = command.livejob("run", "SquareRoot", "--payload", '{"number": 16}')
        again = command.livejob("run", "WordCount")

    assert (10, 10) == (ended.code, again.code)
    assert "SquareRoot is a container job, and this session has no container engine" in ended.err
