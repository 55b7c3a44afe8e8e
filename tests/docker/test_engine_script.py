"""scripts/engine: an engine where none answers, once, and gone when told."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.private_engine import SCRIPT, PrivateEngine, why_not

pytestmark = pytest.mark.slow

needs_own_engine = pytest.mark.skipif(why_not() != "", reason=why_not())


@pytest.fixture
def private_engine(tmp_path: Path) -> Iterator[PrivateEngine]:
    engine = PrivateEngine(tmp_path)
    yield engine
    engine.stop()


@pytest.fixture
def path_without_docker(tmp_path: Path) -> Path:
    """A directory of all programs but Docker's and apt's: as on a machine that has neither."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for program in [*Path("/usr/bin").iterdir(), *Path("/usr/sbin").iterdir()]:
        link = directory / program.name
        if not program.name.startswith(("docker", "containerd", "apt")) and not link.is_symlink():
            link.symlink_to(program)
    return directory


@needs_own_engine
def test_two_at_once_start_one_engine(private_engine: PrivateEngine):
    """Whoever comes second waits and uses the first one's."""
    with ThreadPoolExecutor(2) as both:
        first, second = both.submit(private_engine.start), both.submit(private_engine.start)

    assert first.result() == second.result()
    assert 1 == len(private_engine.processes())


@needs_own_engine
def test_stop_leaves_no_process_and_no_socket(private_engine: PrivateEngine):
    """Nothing runs and nothing listens after `stop`, and a second `stop` is no error."""
    endpoint = private_engine.start()
    assert endpoint.socket_path is not None

    private_engine.stop()

    assert [] == private_engine.processes()
    assert not Path(endpoint.socket_path).exists()


@needs_own_engine
def test_stop_cleans_up_after_a_killed_engine(private_engine: PrivateEngine):
    """What a killed Docker leaves (its containerd, mounts, a stale pid file) is gone after `stop`."""
    private_engine.start()
    private_engine.kill()

    private_engine.stop()

    assert [] == private_engine.processes()
    assert str(private_engine.directory) not in Path("/proc/self/mounts").read_text()


@pytest.mark.skipif(Path("/var/run/docker.sock").exists(), reason="the machine's own Docker would be found")
def test_machine_without_docker_is_told_in_one_line(tmp_path: Path, path_without_docker: Path):
    """Where no engine can be had the exit code is 3, stdout is empty, and stderr has the reason."""
    environment = {"PATH": str(path_without_docker), "HOME": str(tmp_path)}

    done = subprocess.run([SCRIPT, "start"], env=environment, capture_output=True, text=True, check=False)

    reason = "there is no apt-get" if os.getuid() == 0 else "only root can start one"
    assert (3, "") == (done.returncode, done.stdout)
    assert [True] == [reason in line for line in done.stderr.splitlines()]
