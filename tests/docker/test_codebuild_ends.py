"""How builds end before their time, and that nothing of them stays in the engine."""

from __future__ import annotations

import os
import select
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from docker.api.client import APIClient

from livejob.local_aws.launcher import ACCOUNT
from livejob.local_aws.process import EmulatorProcess, engine_variables, start_process
from tests.support.build_host import WAIT_S, BuildUnderTest, a_build_order, containers_of
from tests.support.codebuild import buildspec, create_project, statuses
from tests.support.engine_fixtures import DockerUnderTest
from tests.support.local_aws_fixtures import REGION, LocalAwsUnderTest

TIDY_UP = (
    "import signal, sys, time; "
    "signal.signal(signal.SIGTERM, lambda *_: (print('tidied up', flush=True), sys.exit(0))); "
    "print('ready', flush=True); time.sleep(600)"
)
DEAF = (
    "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "pathlib.Path('/tmp/ready').touch(); time.sleep(600)"
)

MakeBuild = Callable[..., BuildUnderTest]
StartEmulator = Callable[[], EmulatorProcess]


@pytest.fixture
def engine_client(docker: DockerUnderTest) -> Iterator[APIClient]:
    client = APIClient(base_url=docker.endpoint.url)
    yield client
    client.close()


@pytest.fixture
def make_build(docker: DockerUnderTest, tmp_path: Path) -> Iterator[MakeBuild]:
    """Makes builds that run in this process; all are ended with the test."""
    made: list[BuildUnderTest] = []

    def make(*commands: str, slots_count: int = 1, memory_bytes: int = 1024**3) -> BuildUnderTest:
        order = a_build_order(
            docker.image,
            id=f"project:{uuid.uuid4()}",
            buildspec=buildspec(*commands),
            memory_bytes=memory_bytes,
        )
        made.append(BuildUnderTest(docker, tmp_path, order, slots_count))
        return made[-1]

    yield make
    for build in made:
        build.close()


@pytest.fixture
def own_emulator(docker: DockerUnderTest, tmp_path: Path) -> Iterator[StartEmulator]:
    """Starts emulators over one state directory, for tests that kill them."""
    started: list[EmulatorProcess] = []

    def start() -> EmulatorProcess:
        started.append(start_process(tmp_path, 0, ACCOUNT, REGION, engine_variables(os.environ)))
        started[-1].wait_ready()
        return started[-1]

    yield start
    for process in started:
        process.stop()


def test_stop_lets_the_command_tidy_up(
    local_aws: LocalAwsUnderTest, docker: DockerUnderTest, engine_client: APIClient
) -> None:
    """StopBuild sends SIGTERM to what runs, runs no further command and no phase, and says STOPPED."""
    spec = buildspec(f'python3 -c "{TIDY_UP}"; echo never', "echo never")
    project = create_project(local_aws, docker.image, spec)
    build_id = project.start()
    project.wait_output(build_id, "ready")

    answer = project.client().stop_build(id=build_id)["build"]

    build = project.wait_ended(build_id)
    assert ("STOPPED", "STOPPED") == (answer["buildStatus"], build["buildStatus"])
    assert "STOPPED" == statuses(build)["BUILD"]
    assert ["BUILD", "COMPLETED"] == [phase["phaseType"] for phase in build["phases"]][-2:]
    assert ["ready", "tidied up"] == project.output(build)
    assert [] == containers_of(engine_client, build_id)


def test_stop_of_a_build_that_has_ended_answers_how_it_ended(
    local_aws: LocalAwsUnderTest, docker: DockerUnderTest
) -> None:
    """StopBuild comes too late without complaint."""
    project = create_project(local_aws, docker.image, buildspec("echo done"))
    build = project.run()

    answer = project.client().stop_build(id=build["arn"])["build"]

    assert "SUCCEEDED" == answer["buildStatus"]


def test_command_that_ignores_the_signal_is_killed(make_build: MakeBuild) -> None:
    """After the grace the container is killed, and gone when the build is complete."""
    build = make_build(f'python3 -c "{DEAF}"')
    build.start()
    build.wait_file("/tmp/ready")

    build.stop()

    record = build.wait_ended()
    assert "STOPPED" == record["buildStatus"]
    assert [] == build.containers()


def test_build_that_runs_too_long_has_a_phase_that_timed_out(make_build: MakeBuild) -> None:
    """As with real builds, the phase is TIMED_OUT and the build FAILED; nothing runs after it."""
    build = make_build("touch /tmp/ready; sleep 600")
    build.start()
    build.wait_file("/tmp/ready")

    build.clock.advance(3600)

    record = build.wait_ended()
    assert "FAILED" == record["buildStatus"]
    assert ["BUILD", "COMPLETED"] == [phase["phaseType"] for phase in record["phases"]][-2:]
    assert "TIMED_OUT" == record["phases"][-2]["phaseStatus"]
    assert [{"statusCode": "BUILD_TIMED_OUT", "message": "Build has timed out. "}] == (
        record["phases"][-2]["contexts"]
    )
    assert [] == build.containers()


def test_build_that_is_queued_too_long_times_out(make_build: MakeBuild) -> None:
    """A build that finds no machine in time never begins."""
    build = make_build("echo never", slots_count=0)
    build.start()

    build.clock.advance(3600)

    record = build.wait_ended()
    assert "TIMED_OUT" == record["buildStatus"]
    assert [("SUBMITTED", "SUCCEEDED"), ("QUEUED", "TIMED_OUT"), ("COMPLETED", None)] == [
        (phase["phaseType"], phase.get("phaseStatus")) for phase in record["phases"]
    ]


def test_stop_while_queued_ends_the_build(make_build: MakeBuild) -> None:
    """A build that waits can be stopped too."""
    build = make_build("echo never", slots_count=0)
    build.start()

    build.stop()

    assert "STOPPED" == build.wait_ended()["buildStatus"]


def test_container_that_dies_is_found_dead(make_build: MakeBuild) -> None:
    """A container that ends without a word fails the phase, with CodeBuild's message for it."""
    build = make_build("touch /tmp/ready; sleep 600")
    build.start()
    build.wait_file("/tmp/ready")

    build.kill_container()

    record = build.wait_ended()
    assert "FAILED" == record["buildStatus"]
    failed = next(phase for phase in record["phases"] if phase.get("phaseStatus") == "FAILED")
    assert "SINGLE_BUILD_CONTAINER_DEAD" == failed["contexts"][0]["statusCode"]
    assert failed["contexts"][0]["message"].startswith("Build container found dead before completing")


def test_command_that_needs_too_much_memory_is_killed(make_build: MakeBuild) -> None:
    """The command ends with 137, as in CodeBuild, and the phase says so."""
    build = make_build("python3 -c \"x = b'x' * (256 * 1024 ** 2)\"", memory_bytes=64 * 1024**2)
    build.start()

    record = build.wait_ended()

    [failed] = [phase for phase in record["phases"] if phase.get("phaseStatus") == "FAILED"]
    assert "BUILD" == failed["phaseType"]
    assert failed["contexts"][0]["message"].endswith("Reason: exit status 137")


def test_project_has_no_more_builds_than_its_limit(
    local_aws: LocalAwsUnderTest, docker: DockerUnderTest
) -> None:
    """A build over the project's own limit is refused; when another has ended there is room again."""
    project = create_project(local_aws, docker.image, buildspec("sleep 600"), concurrentBuildLimit=1)
    first = project.start()

    with pytest.raises(project.client().exceptions.AccountLimitExceededException):
        project.start()

    project.client().stop_build(id=first)
    project.wait_ended(first)
    assert "SUCCEEDED" == project.run(buildspecOverride=buildspec("true"))["buildStatus"]


def test_nothing_is_left_when_the_emulator_stops(
    own_emulator: StartEmulator,
    docker: DockerUnderTest,
    engine_client: APIClient,
    tmp_path: Path,
) -> None:
    """The end of the emulator ends running builds; containers and files are gone when stop returns."""
    process = own_emulator()
    build_id = _start_endless_build(process, docker)

    process.stop()

    assert [] == containers_of(engine_client, build_id)
    assert {"emulator.log"} == {path.name for path in tmp_path.iterdir()}


def test_nothing_is_left_when_the_emulator_is_killed(
    own_emulator: StartEmulator,
    docker: DockerUnderTest,
    engine_client: APIClient,
    tmp_path: Path,
) -> None:
    """After kill -9 of the emulator its build host removes the containers and ends."""
    process = own_emulator()
    build_id = _start_endless_build(process, docker)
    host = _build_host_of(process)

    os.kill(process.pid, signal.SIGKILL)

    _wait_ended(host)
    assert [] == containers_of(engine_client, build_id)
    assert not (tmp_path / "builds").exists()


def test_next_start_removes_what_a_killed_build_host_left(
    own_emulator: StartEmulator,
    docker: DockerUnderTest,
    engine_client: APIClient,
    tmp_path: Path,
) -> None:
    """When emulator and build host are killed together, the next start on the directory cleans up."""
    process = own_emulator()
    build_id = _start_endless_build(process, docker)
    host = _build_host_of(process)
    os.kill(host, signal.SIGSTOP)  # so that it cannot act on the emulator's end
    os.kill(process.pid, signal.SIGKILL)
    os.kill(host, signal.SIGKILL)
    _wait_ended(host)
    assert 1 == len(containers_of(engine_client, build_id))

    own_emulator()

    _wait_until(lambda: containers_of(engine_client, build_id) == [])


def test_builds_of_a_build_host_that_dies_are_faulted(
    own_emulator: StartEmulator, docker: DockerUnderTest, engine_client: APIClient
) -> None:
    """The builds of a host that was killed end with FAULT; the next build gets another host and runs."""
    process = own_emulator()
    build_id = _start_endless_build(process, docker)
    client = _client(process)

    os.kill(_build_host_of(process), signal.SIGKILL)

    _wait_until(lambda: _status(client, build_id) == "FAULT")
    project = build_id.partition(":")[0]
    after = client.start_build(projectName=project, buildspecOverride=buildspec("true"))["build"]["id"]
    _wait_until(lambda: _status(client, after) == "SUCCEEDED")
    _wait_until(lambda: containers_of(engine_client, build_id) == [])


def _start_endless_build(process: EmulatorProcess, docker: DockerUnderTest) -> str:
    """A build that is in its BUILD phase and would stay there."""
    aws = _under_test(process)
    project = create_project(aws, docker.image, buildspec("echo ready; sleep 600"))
    build_id = project.start()
    project.wait_output(build_id, "ready")
    return build_id


def _under_test(process: EmulatorProcess) -> LocalAwsUnderTest:
    root = boto3.Session(process.root.access_key_id, process.root.secret_access_key, region_name=REGION)
    return LocalAwsUnderTest(process.endpoint_url, process.port, REGION, ACCOUNT, root, root)


def _client(process: EmulatorProcess):
    return _under_test(process).root.client("codebuild", endpoint_url=process.endpoint_url)


def _status(client, build_id: str) -> str:
    return client.batch_get_builds(ids=[build_id])["builds"][0]["buildStatus"]


def _build_host_of(process: EmulatorProcess) -> int:
    children = Path(f"/proc/{process.pid}/task").glob("*/children")
    pids = [int(pid) for path in children for pid in path.read_text().split()]
    [host] = [pid for pid in pids if b"build_host" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return host


def _wait_ended(pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ended, _, _ = select.select([descriptor], [], [], WAIT_S)
        assert ended, f"process {pid} still runs"
    finally:
        os.close(descriptor)


def _wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
