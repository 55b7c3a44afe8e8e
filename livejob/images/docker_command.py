"""Images by the docker command: what its user is used to from `docker build` holds here too.

The command knows BuildKit where it is installed (cache mounts, heredocs), `.dockerignore`, contexts, and the
helpers that keep credentials of registries. Build arguments reach it in its environment, so no list of
processes shows them. A push has a configuration of its own, so the user's is never changed.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from livejob.errors import EngineUnavailable, JobImageNotBuilt, RegistryRefused
from livejob.images.build_output import failure_of, is_engine_away, readable, reason_of
from livejob.images.port import ImageOrder, OnLine, RegistryLogin

LAST_LINES_COUNT = 12
"""So many of Docker's last lines go into the error."""

_STEERS_THE_COMMAND = re.compile(r"PATH|HOME|(DOCKER|BUILDX)_.*")
_OF_A_BUILD = {
    # One image and no list of attestations beside it: what CodeBuild and older engines understand.
    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    "BUILDKIT_PROGRESS": "plain",
}
_CREDENTIALS = ("auths", "credsStore", "credHelpers")


class DockerCommand:
    """An ImageBuilder over the `docker` command on the PATH."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """environment: of the command, whole; DOCKER_HOST in it if the engine is not Docker's default."""
        self._environment = dict(environment)
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._is_stopped = False

    def build(self, order: ImageOrder, tag: str, on_line: OnLine) -> str:
        """Build it and name it `tag`; the image's id, `sha256:…`.

        Raises:
            JobImageNotBuilt: with Docker's reason, and the line of the Dockerfile where it is known.
            EngineUnavailable: no command, or no engine.
        """
        _check_build_args(order)
        with tempfile.TemporaryDirectory() as scratch:
            id_file = Path(scratch) / "id"
            done = self._run(_build_words(order, tag, id_file), {**order.build_args, **_OF_A_BUILD}, on_line)
            if done.exit_code:
                raise _not_built(order, done.lines)
            image = id_file.read_text().strip()
        self._check_platform(image, order)
        return image

    def tag(self, image: str, reference: str) -> None:
        """Give an image another name.

        Raises:
            JobImageNotBuilt: there is no such image.
            EngineUnavailable: no command, or no engine.
        """
        done = self._run(("tag", image, reference), {}, _nobody_listens)
        if done.exit_code:
            raise JobImageNotBuilt(f"{image} cannot be named {reference}: {reason_of(done.lines)}")

    def push(self, reference: str, login: RegistryLogin, on_line: OnLine) -> None:
        """Push the image of that name to the registry in it.

        Raises:
            RegistryRefused: it does not answer, or did not take the image.
            EngineUnavailable: no command, or no engine.
        """
        with self._configuration(login) as directory:
            done = self._run(("push", reference), {"DOCKER_CONFIG": str(directory)}, on_line)
        if done.exit_code:
            raise RegistryRefused(
                f"{login.registry} did not take {reference}: {reason_of(done.lines)}", registry=login.registry
            )

    def stop(self) -> None:
        """End what is under way, for good: whoever waits for it gets EngineUnavailable."""
        with self._lock:
            self._is_stopped = True
            for process in self._running:
                process.terminate()

    def _check_platform(self, image: str, order: ImageOrder) -> None:
        """The older builder takes a base image of another platform without a word."""
        done = self._run(
            ("image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", image), {}, _nobody_listens
        )
        if not done.exit_code and done.lines and done.lines[-1] != order.platform:
            raise JobImageNotBuilt(
                f"{order.dockerfile}: the image is for {done.lines[-1]} and the job needs {order.platform}",
                remedy="Take a base image of that platform and install Docker's buildx plugin, or change "
                "the job's `architecture`.",
            )

    def _run(self, words: Sequence[str], variables: Mapping[str, str], on_line: OnLine) -> _Done:
        command = find_docker_command(self._environment)
        lines: list[str] = []
        with self._started((command, *words), variables) as process:
            assert process.stdout is not None
            for each in process.stdout:
                if (line := readable(each)) is not None:
                    lines.append(line)
                    on_line(line)
        if self._is_stopped:  # whatever the exit code is: the command may end a broken build with 0
            raise _stopped()
        if process.returncode and is_engine_away(lines):
            raise EngineUnavailable(reason_of(lines))
        return _Done(process.returncode, lines)

    @contextmanager
    def _started(self, words: Sequence[str], variables: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
        """The process, which has ended afterwards, whatever happens to its reader."""
        with self._lock:
            if self._is_stopped:
                raise _stopped()
            process = subprocess.Popen(
                words,
                env={**self._environment, **variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
            self._running.add(process)
        try:
            with process:
                try:
                    yield process
                except BaseException:
                    process.terminate()
                    raise
        finally:
            with self._lock:
                self._running.discard(process)

    @contextmanager
    def _configuration(self, login: RegistryLogin) -> Iterator[Path]:
        """The user's configuration of Docker (contexts, TLS) with the credentials of one registry alone."""
        home = Path(self._environment.get("HOME", "/"))
        users = Path(self._environment.get("DOCKER_CONFIG") or home / ".docker")
        with tempfile.TemporaryDirectory() as made:
            directory = Path(made)
            for each in users.iterdir() if users.is_dir() else ():
                if each.name != "config.json":
                    (directory / each.name).symlink_to(each.resolve())
            settings = {k: v for k, v in _settings(users / "config.json").items() if k not in _CREDENTIALS}
            token = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
            file = directory / "config.json"
            file.touch(mode=0o600)
            file.write_text(json.dumps({**settings, "auths": {login.registry: {"auth": token}}}))
            yield directory


def find_docker_command(environment: Mapping[str, str]) -> str:
    """Where the docker command is, by the PATH of that environment.

    Raises:
        EngineUnavailable: nowhere.
    """
    command = shutil.which("docker", path=environment.get("PATH"))
    if command is None:
        raise EngineUnavailable(
            "there is no `docker` command, which builds the images of container jobs",
            remedy="Install Docker's command line (`docker --version` tells whether it is there).",
        )
    return command


class _Done:
    """How a command ended: its exit code, and its output as a person reads it."""

    def __init__(self, exit_code: int, lines: list[str]) -> None:
        self.exit_code = exit_code
        self.lines = lines


def _build_words(order: ImageOrder, tag: str, id_file: Path) -> tuple[str, ...]:
    arguments = [word for name in sorted(order.build_args) for word in ("--build-arg", name)]
    where = ("--file", str(order.dockerfile), "--tag", tag, "--iidfile", str(id_file))
    # The older builder leaves the container of a step that failed, unless it is told not to.
    return ("build", "--force-rm", *where, "--platform", order.platform, *arguments, str(order.directory))


def _check_build_args(order: ImageOrder) -> None:
    """A build argument is a variable of the command: it must not be one that the command itself obeys."""
    for name in order.build_args:
        if _STEERS_THE_COMMAND.fullmatch(name):
            raise JobImageNotBuilt(
                f"the build argument {name} of {order.dockerfile} has the name of a variable of Docker's",
                remedy="Give the argument another name, in the Dockerfile and in `build_args`.",
            )


def _not_built(order: ImageOrder, lines: Sequence[str]) -> JobImageNotBuilt:
    try:
        text = order.dockerfile.read_text(errors="replace")
    except OSError:  # Docker's own words say that it is missing
        text = ""
    failure = failure_of(lines, text)
    place = f"{order.dockerfile}:{failure.line}" if failure.line else str(order.dockerfile)
    shown = "".join(f"\n  | {line}" for line in lines[-LAST_LINES_COUNT:])
    return JobImageNotBuilt(f"{place}: {failure.reason}{shown}", line=failure.line, reason=failure.reason)


def _settings(file: Path) -> dict[str, object]:
    try:
        settings = json.loads(file.read_text())
    except (OSError, ValueError):  # none, or none that the command itself would understand
        return {}
    return settings if isinstance(settings, dict) else {}


def _stopped() -> EngineUnavailable:
    return EngineUnavailable("no image is built any more: livejob is about to end")


def _nobody_listens(line: str) -> None:
    """For commands of which only the end is of interest."""
