"""Container jobs in a session: what a command finds, how it ends, and what becomes of its image."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.api.client import APIClient

from livejob.local_runner.events import ImageBuilt, ImageOutput, SourceMended, SourceProblem, SourceSaved
from livejob.local_runner.logs import RunLogs, Stream, read_log
from livejob.project.job_arguments import make_spec
from livejob.wire.ids import RunId
from livejob.wire.limits import MIB
from livejob.wire.names import LABEL_OWNER
from livejob.wire.outcome import FailureType
from livejob.wire.states import State
from tests.support.container_sessions import container_session, write_container_job
from tests.support.engine_fixtures import DockerUnderTest
from tests.support.sessions import LiveSession


@pytest.fixture
def app(tmp_path: Path) -> Path:
    directory = tmp_path / "app"
    directory.mkdir()
    return directory


@pytest.fixture
def api(docker: DockerUnderTest) -> Iterator[APIClient]:
    """The engine as somebody else reaches it."""
    client = APIClient(docker.endpoint.url)
    yield client
    client.close()


def containers_of(api: APIClient, owner: str) -> list[str]:
    """Names of the images of the owner's containers."""
    found = api.containers(all=True, filters={"label": f"{LABEL_OWNER}={owner}"})
    return [each["Image"] for each in found]


def lines_of(session: LiveSession, run_id: RunId, stream: Stream) -> list[str]:
    """What the run has written there."""
    lines = read_log(RunLogs(session.state_dir).path(run_id))
    return [line.text for line in lines if line.stream == stream]


PAYLOADS = [0, False, None, "", {}, [], {"größe": "äöü \u2028 😀"}, {"quote": "'\"$(id)`\\\n"}]


async def test_payload_is_there_byte_for_byte(app: Path, docker: DockerUnderTest, busybox_image: str) -> None:
    """Falsy payloads, and those with what means something to a shell, are in the variable as they are."""
    write_container_job(app, "Show", busybox_image, ['printf "%s\\n" "$SST_PAYLOAD"'])
    async with container_session(app, docker) as session:
        runs = [(payload, session.call("Show", payload)) for payload in PAYLOADS]

        outputs = []
        for _, run_id in runs:
            assert State.SUCCEEDED is (await session.wait_ended(run_id)).state, session.witness.events
            outputs.append(session.output(run_id))

    assert [json.dumps(payload) + "\n" for payload in PAYLOADS] == outputs


async def test_large_payload_is_in_the_file_alone(
    app: Path, docker: DockerUnderTest, busybox_image: str
) -> None:
    """What fits no variable is in the file, byte for byte; the variables are not there."""
    payload = "ä" * 150_000
    command = ['sha256sum < "$LIVEJOB_PAYLOAD_FILE"; echo "${SST_PAYLOAD-none} ${LIVEJOB_PAYLOAD-none}"']
    write_container_job(app, "Sum", busybox_image, command)

    async with container_session(app, docker) as session:
        run_id = session.call("Sum", payload)
        await session.wait_ended(run_id)

    digest = hashlib.sha256(json.dumps(payload).encode()).hexdigest()
    assert f"{digest}  -\nnone none\n" == session.output(run_id)


async def test_command_runs_as_in_a_build(app: Path, docker: DockerUnderTest, busybox_image: str) -> None:
    """It is root in the source directory of a build, whatever user, entry point and command the image has."""
    directory = write_container_job(
        app,
        "Look",
        busybox_image,
        ['id -u; pwd; echo "$CODEBUILD_SRC_DIR"; ls; env'],
        environment={"COLOUR": "blue"},
    )
    with (directory / "Dockerfile").open("a") as file:
        file.write(
            'USER 1000\nWORKDIR /tmp\nENTRYPOINT ["false"]\nCMD ["false"]\nENV SHAPE=round COLOUR=red\n'
        )

    async with container_session(app, docker) as session:
        run_id = session.call("Look", 1)
        await session.wait_ended(run_id)

    uid, cwd, source, *rest = session.output(run_id).splitlines()
    assert ["0", cwd, "payload.json"] == [uid, source, rest[0]]
    expected = {
        "COLOUR=blue",
        "SHAPE=round",
        "LIVEJOB_APP=shop",
        "LIVEJOB_JOB=Look",
        "LIVEJOB_ATTEMPT=1",
        f"LIVEJOB_RUN_ID={run_id}",
        "AWS_REGION=us-east-1",
        f"LIVEJOB_PAYLOAD_FILE={cwd}/payload.json",
    }
    assert expected == expected & set(rest)


async def test_exit_code_and_streams_are_kept(app: Path, docker: DockerUnderTest, busybox_image: str) -> None:
    """A command that ends with 3 fails with it; what it said on stderr is told apart from its stdout."""
    write_container_job(app, "Fail", busybox_image, ["echo out; echo err >&2; exit 3"])

    async with container_session(app, docker) as session:
        run_id = session.call("Fail")
        run = await session.wait_ended(run_id)

    assert run.failure is not None
    assert (State.FAILED, "CommandFailed", 3) == (run.state, run.failure.type, run.attempts[-1].exit_code)
    assert (["out"], ["err"]) == (lines_of(session, run_id, "stdout"), lines_of(session, run_id, "stderr"))


async def test_program_and_arguments_reach_it_as_they_are(
    app: Path, docker: DockerUnderTest, busybox_image: str
) -> None:
    """Several words are no shell's affair."""
    write_container_job(app, "Say", busybox_image, ["printf", "%s|", "a b", "$HOME", "it's", ";"])

    async with container_session(app, docker) as session:
        run_id = session.call("Say")
        await session.wait_ended(run_id)

    assert "a b|$HOME|it's|;|" == session.output(run_id)


async def test_cancelled_command_can_clean_up(
    app: Path, docker: DockerUnderTest, busybox_image: str, api: APIClient
) -> None:
    """Every process of it gets SIGTERM; the container stays until they have ended, and is removed."""
    script = "trap 'echo cleaning; sleep 0.3; echo clean; exit 0' TERM; echo up; while :; do sleep 0.1; done"
    write_container_job(app, "Wait", busybox_image, ["sh", "-c", script])
    async with container_session(app, docker) as session:
        run_id = session.call("Wait")
        await session.wait_output(run_id, "up")

        session.cancel(run_id)
        run = await session.wait_ended(run_id)

        assert State.CANCELLED is run.state
        assert ["up", "cleaning", "clean"] == lines_of(session, run_id, "stdout")
        assert [docker.image] == containers_of(api, session.me.id)


async def test_timeout_ends_it(app: Path, docker: DockerUnderTest, busybox_image: str) -> None:
    """Longer than its timeout is TIMED_OUT, also of a shell line that runs another program."""
    write_container_job(app, "Long", busybox_image, ["echo up; sleep 600; echo over"])

    async with container_session(app, docker, changes={"timeout_s": 1}) as session:
        run_id = session.call("Long")
        run = await session.wait_ended(run_id)

    assert (State.TIMED_OUT, ["up"]) == (run.state, lines_of(session, run_id, "stdout"))


async def test_memory_has_its_limit(app: Path, docker: DockerUnderTest, busybox_image: str) -> None:
    """More memory than the job's is OutOfMemory, and the sidecar goes on for the next run."""
    write_container_job(app, "Eat", busybox_image, ['[ "$SST_PAYLOAD" = 1 ] || exec tail /dev/zero'])

    async with container_session(app, docker, changes={"memory_bytes": 64 * MIB}) as session:
        first = await session.wait_ended(session.call("Eat", 0))
        second = await session.wait_ended(session.call("Eat", 1))

    assert first.failure is not None
    assert (FailureType.OUT_OF_MEMORY, State.SUCCEEDED) == (first.failure.type, second.state)


async def test_save_is_in_the_next_run(app: Path, docker: DockerUnderTest, busybox_image: str) -> None:
    """A run that goes on keeps its image; the next one has what was saved, however soon it comes."""
    directory = write_container_job(
        app, "Say", busybox_image, ["cat /app/word; sleep $SST_PAYLOAD; cat /app/word"]
    )
    (directory / "word").write_text("old\n")
    async with container_session(app, docker, changes={"concurrency": 2}) as session:
        going = session.call("Say", 3)
        await session.wait_output(going, "old")

        (directory / "word").write_text("new\n")
        after = session.call("Say", 0)
        await session.wait_ended(after)
        await session.wait_ended(going)

    assert ("old\nold\n", "new\nnew\n") == (session.output(going), session.output(after))


async def test_image_is_built_once_for_all(app: Path, docker: DockerUnderTest, busybox_image: str) -> None:
    """Runs that come together share a build, and later ones need none."""
    write_container_job(app, "Nothing", busybox_image, ["true"])
    async with container_session(app, docker, changes={"concurrency": 3}) as session:
        together = [session.call("Nothing") for _ in range(3)]
        for run_id in together:
            await session.wait_ended(run_id)
        await session.wait_ended(session.call("Nothing"))

    assert 1 == len(session.witness.of(ImageBuilt))


async def test_broken_dockerfile_is_told_when_it_is_saved(
    app: Path, docker: DockerUnderTest, busybox_image: str
) -> None:
    """At the save, once, with its line; by each run that meets it; and when it is mended."""
    directory = write_container_job(app, "Say", busybox_image, ["echo said"])
    dockerfile = directory / "Dockerfile"
    good = dockerfile.read_text()
    async with container_session(app, docker) as session:
        await session.wait_ended(session.call("Say"))

        dockerfile.write_text(f"{good}RUN false\n")
        problem = await session.witness.wait_event(SourceProblem)
        broken = await session.wait_ended(session.call("Say"))
        dockerfile.write_text(f"{good}RUN true\n")
        await session.witness.wait_event(SourceMended)
        mended = await session.wait_ended(session.call("Say"))

        assert "say/Dockerfile:3" == problem.where
        assert 1 == len(session.witness.of(SourceProblem))
        assert broken.failure is not None
        assert (FailureType.IMAGE_NOT_BUILT, State.SUCCEEDED) == (broken.failure.type, mended.state)
        assert "Dockerfile:3: " in broken.failure.message


async def test_credentials_come_by_the_sidecar(app: Path, docker: DockerUnderTest) -> None:
    """The endpoint answers on the command's loopback, in a network that nobody else is in."""
    ask = (
        "import os, urllib.request as r; e = os.environ;"
        "q = r.Request(e['AWS_CONTAINER_CREDENTIALS_FULL_URI'],"
        " headers={'Authorization': e['AWS_CONTAINER_AUTHORIZATION_TOKEN']});"
        "print(r.urlopen(q).read().decode())"
    )
    write_container_job(app, "Ask", docker.image, ["python3", "-c", ask])

    async with container_session(app, docker, network="none") as session:
        run_id = session.call("Ask")
        run = await session.wait_ended(run_id)

    assert (State.SUCCEEDED, "{}\n") == (run.state, session.output(run_id))


async def test_command_ends_with_its_session(
    app: Path, docker: DockerUnderTest, busybox_image: str, api: APIClient
) -> None:
    """When its sidecar is gone, whoever ended it, nothing of the command goes on."""
    write_container_job(app, "Stay", busybox_image, ["echo up; sleep 600"])
    async with container_session(app, docker) as session:
        run_id = session.call("Stay")
        await session.wait_output(run_id, "up")
        [sidecar] = api.containers(
            filters={"label": f"{LABEL_OWNER}={session.me.id}", "ancestor": docker.image}
        )

        api.kill(sidecar["Id"])
        run = await session.wait_ended(run_id)

        assert run.failure is not None
        assert (State.FAILED, 137) == (run.state, run.attempts[-1].exit_code)
        assert [] == containers_of(api, session.me.id)


async def test_image_without_a_shell_is_told(app: Path, docker: DockerUnderTest) -> None:
    """The engine's reason is the run's."""
    directory = write_container_job(app, "Bare", "scratch", ["true"])
    (directory / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")

    async with container_session(app, docker) as session:
        run = await session.wait_ended(session.call("Bare"))

    assert run.failure is not None
    assert FailureType.WORKER_FAILED == run.failure.type
    assert "/bin/sh" in run.failure.message


async def test_running_run_begins_anew_with_the_new_image(
    app: Path, docker: DockerUnderTest, busybox_image: str
) -> None:
    """With on_save="restart" a save ends the attempt once the new image is there."""
    command = ["cat /app/word; until [ $(cat /app/word) = new ]; do sleep 0.1; done"]
    directory = write_container_job(app, "Say", busybox_image, command, on_save="restart")
    (directory / "word").write_text("old\n")
    async with container_session(app, docker) as session:
        run_id = session.call("Say")
        await session.wait_output(run_id, "old")

        (directory / "word").write_text("new\n")
        run = await session.wait_ended(run_id)

    assert (State.SUCCEEDED, 2) == (run.state, run.attempt_number)
    assert ["old", "new"] == lines_of(session, run_id, "stdout")


async def test_run_is_cancelled_while_its_image_is_built(
    app: Path, docker: DockerUnderTest, busybox_image: str
) -> None:
    """A build that hangs holds neither the cancel of a run nor the end of the session."""
    directory = write_container_job(app, "Say", busybox_image, ["true"])
    with (directory / "Dockerfile").open("a") as file:
        file.write("RUN sleep 600\n")
    async with container_session(app, docker) as session:
        run_id = session.call("Say")
        await session.witness.wait_event(ImageOutput, lambda event: "sleep 600" in event.text)

        session.cancel(run_id)
        run = await session.wait_ended(run_id)

    assert State.CANCELLED is run.state


async def test_container_job_becomes_a_function_with_its_deployment(
    app: Path, docker: DockerUnderTest, busybox_image: str
) -> None:
    """Another kind of job has another role and other workers: a save alone does not make one of the other."""
    write_container_job(app, "Say", busybox_image, ["echo said"])
    function = make_spec({"name": "Say"}, "say.run", "livejob.toml [jobs.Say]")
    async with container_session(app, docker) as session:
        (app / "livejob.toml").write_text('[jobs.Say]\nhandler = "say.run"\n')
        (app / "say.py").write_text("def run(payload):\n    return 'of a function'\n")
        await session.witness.wait_event(SourceSaved)
        before = await session.wait_ended(session.call("Say"))
        await session.catalog.adopt({"Say": function})
        after = await session.wait_ended(session.call("Say"))

    assert [None, "of a function"] == [session.result(before), session.result(after)]
