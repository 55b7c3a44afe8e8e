"""Starting, finding and ending the local AWS of a state directory."""

from __future__ import annotations

import os
import select
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import boto3
import pytest

from livejob.errors import EmulatorDied, EmulatorMissing, PortTaken
from livejob.local_aws.launcher import LocalAws, LocalAwsConfig, open_local_aws
from livejob.local_aws.ports import DEFAULT_PORT
from livejob.local_aws.process import start_process
from livejob.local_aws.state import EmulatorState, find_local_aws, read_state

A_POLICY: dict[str, object] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iot:DescribeEndpoint", "Resource": "*"}],
}
WAIT_S = 20.0

Open = Callable[..., LocalAws]


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "app" / ".livejob" / "local-aws"


@pytest.fixture
def open_aws(state_dir: Path) -> Iterator[Open]:
    """Opens the local AWS of this test's state directory; what it started is stopped at the end."""
    opened: list[LocalAws] = []

    def _open(port: int | None = 0) -> LocalAws:
        aws = open_local_aws(LocalAwsConfig(state_dir, [A_POLICY], port=port))
        opened.append(aws)
        return aws

    yield _open
    for aws in opened:
        aws.stop()


def test_state_file_lets_others_call_as_the_developer(open_aws: Open, state_dir: Path) -> None:
    """Another process of the same user finds endpoint and keys in a file that nobody else may read."""
    aws = open_aws()

    state = find_local_aws(state_dir)

    assert aws.state == state
    assert 0o600 == stat.S_IMODE((state_dir / "state.json").stat().st_mode)
    assert "arn:aws:iam::123456789012:user/developer" == _caller(aws.state)


def test_secrets_are_neither_shown_nor_logged(open_aws: Open) -> None:
    """The developer's secret is missing in the state's text form and in the emulator's log."""
    aws = open_aws()
    _caller(aws.state)

    log = Path(aws.state.log).read_text()

    assert aws.state.secret_access_key not in repr(aws.state)
    assert "Ready" in log
    assert aws.state.secret_access_key not in log


def test_stop_leaves_only_the_log(open_aws: Open, state_dir: Path) -> None:
    """After stop the process, its files and its state are gone."""
    aws = open_aws()
    pid = aws.state.pid

    aws.stop()

    assert {"emulator.log", "lock"} == {path.name for path in state_dir.iterdir()}
    assert not Path(f"/proc/{pid}").exists()
    assert find_local_aws(state_dir) is None


def test_second_opener_uses_the_running_emulator_and_leaves_it_running(open_aws: Open) -> None:
    """Two openers of one state directory share one emulator; it ends with the one who started it."""
    first = open_aws()

    second = open_aws()
    second.stop()

    assert (first.state, False) == (second.state, second.is_owner)
    assert "arn:aws:iam::123456789012:user/developer" == _caller(first.state)


def test_port_that_was_asked_for_and_is_taken_names_its_holder(open_aws: Open) -> None:
    """PortTaken says which program holds the port, and a port that is free."""
    with _listening(0) as port, pytest.raises(PortTaken) as caught:
        open_aws(port)

    assert f"(pid {os.getpid()}) listens there." in caught.value.message
    assert f"LIVEJOB_LOCAL_AWS_PORT={caught.value.context['suggestion']}" in caught.value.remedy


def test_default_port_that_is_taken_gives_way_to_the_next(open_aws: Open) -> None:
    """Nobody asked for a port: the next free one will do."""
    with _listening(DEFAULT_PORT) as port:
        aws = open_aws(None)

    assert aws.state.port > port
    assert "arn:aws:iam::123456789012:user/developer" == _caller(aws.state)


async def test_crash_is_noticed_and_told(open_aws: Open) -> None:
    """An emulator that is killed ends the wait, and the error says how it ended and where its log is."""
    aws = open_aws()
    os.kill(aws.state.pid, signal.SIGKILL)

    death = await aws.wait_died()

    assert death.message.startswith("The local AWS emulator ended without being asked (signal 9).")
    assert aws.state.log in death.remedy


async def test_crash_of_somebody_elses_emulator_is_noticed(open_aws: Open) -> None:
    """One who only uses an emulator learns that its owner stopped it."""
    owner, user = open_aws(), open_aws()
    owner.stop()

    death = await user.wait_died()

    assert death.message.startswith("The local AWS emulator was ended.")


def test_state_of_an_earlier_crash_is_replaced(open_aws: Open, state_dir: Path) -> None:
    """What a killed emulator left behind does not hinder the next one and is cleaned up."""
    crashed = open_aws()
    left_behind = state_dir / "scratch" / "half-written"
    left_behind.write_text("")
    os.kill(crashed.state.pid, signal.SIGKILL)
    _wait_ended(crashed.state.pid)

    aws = open_aws()

    assert aws.is_owner
    assert aws.state.instance != crashed.state.instance
    assert not left_behind.exists()


def test_pid_that_belongs_to_another_program_by_now_is_let_alone(open_aws: Open, state_dir: Path) -> None:
    """A state whose pid was given to another process is recognised by the process's start time."""
    earlier = open_aws()
    earlier.stop()
    replace(earlier.state, pid=os.getpid()).write(state_dir)

    aws = open_aws()

    assert aws.is_owner
    assert read_state(state_dir) == aws.state


def test_unreadable_state_is_replaced(open_aws: Open, state_dir: Path) -> None:
    """A state file that was cut off counts as none."""
    state_dir.mkdir(parents=True)
    (state_dir / "state.json").write_text('{"pid": 12')

    aws = open_aws()

    assert aws.state == read_state(state_dir)


@pytest.mark.slow
def test_emulator_that_hangs_is_ended_and_replaced(open_aws: Open) -> None:
    """An emulator that lives but does not answer is of no use to anybody."""
    hanging = open_aws()
    os.kill(hanging.state.pid, signal.SIGSTOP)

    aws = open_aws()

    _wait_ended(hanging.state.pid)
    assert aws.state.instance != hanging.state.instance


def test_emulator_that_dies_at_start_is_told_at_once(tmp_path: Path) -> None:
    """Whoever waits for readiness hears of the death, not of a timeout."""
    process = start_process(tmp_path, 0, "123456789012", "us-east-1")
    os.kill(process.pid, signal.SIGKILL)

    with pytest.raises(EmulatorDied) as caught:
        process.wait_ready()

    assert "The local AWS emulator ended before it was ready (signal 9)." == caught.value.message


def test_root_keys_are_in_no_list_of_processes(tmp_path: Path) -> None:
    """Neither the emulator's command line nor its environment, as others may read them, holds root's keys."""
    process = start_process(tmp_path, 0, "123456789012", "us-east-1")
    process.wait_ready()
    seen = b"".join(Path(f"/proc/{process.pid}/{what}").read_bytes() for what in ("cmdline", "environ"))
    process.stop()

    assert b"livejob.local_aws.server" in seen
    assert process.root.access_key_id.encode() not in seen
    assert process.root.secret_access_key.encode() not in seen


def test_missing_emulator_is_told(open_aws: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without MiniStack in the environment the error gives the command that installs it."""
    monkeypatch.setitem(sys.modules, "ministack", None)

    with pytest.raises(EmulatorMissing) as caught:
        open_aws()

    assert "pip install 'livejob[local]'" == caught.value.remedy


def test_standalone_lives_until_ctrl_c(state_dir: Path) -> None:
    """`python -m livejob.local_aws` says where it listens, and Ctrl-C ends it without a trace."""
    standalone = _standalone(state_dir)
    state = read_state(state_dir)
    assert state is not None

    standalone.send_signal(signal.SIGINT)
    _, rest = standalone.communicate(timeout=WAIT_S)

    assert (0, "") == (standalone.returncode, rest)
    assert {"emulator.log", "lock"} == {path.name for path in state_dir.iterdir()}
    assert not Path(f"/proc/{state.pid}").exists()


def test_emulator_does_not_outlive_an_owner_that_is_killed(state_dir: Path) -> None:
    """kill -9 of the owner ends the emulator too, and its files go with it."""
    standalone = _standalone(state_dir)
    state = read_state(state_dir)
    assert state is not None

    standalone.kill()
    standalone.communicate(timeout=WAIT_S)

    _wait_ended(state.pid)
    assert not (state_dir / "scratch").exists()
    assert find_local_aws(state_dir) is None


def test_standalone_tells_the_emulators_crash(state_dir: Path) -> None:
    """When the emulator crashes, `python -m livejob.local_aws` says so and fails."""
    standalone = _standalone(state_dir)
    state = read_state(state_dir)
    assert state is not None

    os.kill(state.pid, signal.SIGKILL)
    _, rest = standalone.communicate(timeout=WAIT_S)

    assert 1 == standalone.returncode
    assert rest.startswith("error: The local AWS emulator ended without being asked (signal 9).")
    assert f"hint: Its log is {state.log}" in rest


def _standalone(state_dir: Path) -> subprocess.Popen[str]:
    """A `python -m livejob.local_aws` that has said it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "livejob.local_aws", "--port", "0", "--state-dir", str(state_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "Local AWS ready: http://127.0.0.1:" in process.stderr.readline()
    return process


def _caller(state: EmulatorState) -> str:
    session = boto3.Session(state.access_key_id, state.secret_access_key, region_name=state.region)
    return session.client("sts", endpoint_url=state.endpoint_url).get_caller_identity()["Arn"]


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


@contextmanager
def _listening(port: int) -> Iterator[int]:
    """Somebody listens on the port (0: any) and it is given; one that is held already will do."""
    with socket.socket() as listener:
        with suppress(OSError):
            listener.bind(("127.0.0.1", port))
            listener.listen()
        yield port or listener.getsockname()[1]
