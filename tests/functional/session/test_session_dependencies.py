"""A session gives its workers the packages that the app asks for, and follows a changed file."""

from __future__ import annotations

from pathlib import Path

import pytest

from livejob.errors import DependenciesUnusable
from livejob.local_runner.events import DependenciesInstalled, DependenciesInstalling, Warned
from tests.support.counting_engine import CountingEngine
from tests.support.sessions import live_session
from tests.support.wheels import make_wheel

JOBS = """
import time
from pathlib import Path
from livejob import job
import tiny

@job
def version(payload):
    print("begun")
    while payload and not Path(payload).exists():
        time.sleep(0.002)
    return tiny.VALUE
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    app = tmp_path / "src"
    app.mkdir()
    (app / "jobs.py").write_text(JOBS)
    require(app, 1)
    return app


def require(app: Path, version: int) -> None:
    wheel = make_wheel(app.parent / "wheels", "tiny", f"{version}.0", f"VALUE = {version}\n")
    (app / "requirements.txt").write_text(f"{wheel}\n")


async def test_a_changed_file_gives_new_packages_and_leaves_running_runs_alone(app: Path, tmp_path: Path):
    """The run in flight ends with the old version, the next one has the new; both installs are told."""
    gate = tmp_path / "gate"
    async with live_session(app) as session:
        running = session.call("Version", str(gate))
        await session.wait_output(running, "begun")
        require(app, 2)
        await session.witness.wait_event(
            DependenciesInstalled, lambda _: len(session.witness.of(DependenciesInstalled)) == 2
        )

        new = session.result(await session.wait_ended(session.call("Version")))
        gate.touch()
        old = session.result(await session.wait_ended(running))
        after = session.result(await session.wait_ended(session.call("Version")))

    assert (1, 2, 2) == (old, new, after)
    assert 2 == len(session.witness.of(DependenciesInstalling))


async def test_new_packages_have_a_worker_at_once(app: Path):
    """A job that was run has a new worker after a change, before the next run asks for one."""
    engine = CountingEngine()
    async with live_session(app, engine=engine) as session:
        await session.wait_ended(session.call("Version"))
        require(app, 2)
        await session.wait_until(lambda: len(engine.jobs) == 2)

        result = session.result(await session.wait_ended(session.call("Version")))

    assert (2, ["Version", "Version"]) == (result, engine.jobs)


async def test_packages_that_cannot_be_had_leave_the_old_ones(app: Path):
    """A broken file is told with the package's name; runs go on with what there was."""
    async with live_session(app) as session:
        (app / "requirements.txt").write_text(f"{app}/no-such-wheel-1.0-py3-none-any.whl\n")
        warned = await session.witness.wait_event(Warned)

        result = session.result(await session.wait_ended(session.call("Version")))

    assert 1 == result
    assert "no-such-wheel" in warned.text


async def test_a_session_does_not_begin_without_its_packages(app: Path):
    """At the start a broken file is an error."""
    (app / "requirements.txt").write_text("-r missing.txt\n")

    with pytest.raises(DependenciesUnusable, match=r"missing\.txt"):
        async with live_session(app):
            pass
