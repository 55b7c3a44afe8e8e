"""Images of container jobs, built by the docker command that is installed here."""

import os
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from livejob.errors import EngineUnavailable, JobImageNotBuilt, RegistryRefused
from livejob.images.context import context_files
from livejob.images.docker_command import DockerCommand
from livejob.images.port import RegistryLogin
from livejob.images.script import container_script
from tests.support.engine_fixtures import DockerUnderTest
from tests.support.image_fixtures import a_tag, an_image_order, docker_environment, write_files

DEADLINE_S = 60.0


@pytest.fixture
def base(busybox_image: str) -> str:
    return busybox_image


def unheard(line: str) -> None:
    """Nobody reads the output."""


def build(
    command: DockerCommand, directory: Path, files: Mapping[str, str], **fields: object
) -> tuple[str, str, list[str]]:
    """Build an image of those files; its id, its name and the lines that were said."""
    write_files(directory, files)
    lines: list[str] = []
    tag = a_tag()
    return command.build(an_image_order(directory, **fields), tag, lines.append), tag, lines


def run(docker: DockerUnderTest, image: str, *words: str) -> str:
    """Output of a container of that image; `words` take the place of its command."""
    done = subprocess.run(
        ["docker", "run", "--rm", "--network", "none", "--entrypoint", words[0], image, *words[1:]],
        env=docker_environment(docker),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_image_is_built_and_named(
    docker_command: DockerCommand, docker: DockerUnderTest, base: str, tmp_path: Path
) -> None:
    """The id is the image's, its name works, and the output of the steps was passed on."""
    image, tag, lines = build(
        docker_command,
        tmp_path,
        {"Dockerfile": f"FROM {base}\nCOPY said.txt /\nRUN cat said.txt\n", "said.txt": "hi there\n"},
    )

    assert image.startswith("sha256:")
    assert ("hi there\n", "hi there\n") == (
        run(docker, image, "cat", "/said.txt"),
        run(docker, tag, "cat", "/said.txt"),
    )
    assert [line for line in lines if line.endswith("hi there")]
    assert [] == [line for line in lines if "DEPRECATED" in line or "\x1b" in line]


def test_ignored_files_do_not_reach_the_build(
    docker_command: DockerCommand, docker: DockerUnderTest, base: str, tmp_path: Path
) -> None:
    """`.dockerignore` holds."""
    files = {"Dockerfile": f"FROM {base}\nCOPY . /app/\n", ".dockerignore": "*.log", "a.log": "", "b.py": ""}

    image, _, _ = build(docker_command, tmp_path, files)

    assert ["Dockerfile", "b.py"] == run(docker, image, "ls", "/app").split()


PATTERNS = {
    "names": "*.log\nlib/*.txt\n",
    "any depth": "**/*.log\n**/cache\n",
    "exceptions": "lib\n!lib/keep\n*.log\n!b.log\n",
    "the last one counts": "!b.log\n*.log\n",
    "slashes and dots": "/lib/deep/\n./a.log\nlib/../b.log\n",
    "one character": "?.log\nlib/[a-k]*\n",
    "comments and blanks": "# a.log\n\n  b.log  \n",
}


@pytest.mark.parametrize("patterns", PATTERNS)
def test_context_is_what_docker_sees(
    docker_command: DockerCommand, docker: DockerUnderTest, base: str, tmp_path: Path, patterns: str
) -> None:
    """livejob's list of what counts is that of the files which a build gets."""
    names = ["a.log", "b.log", "main.py", "lib/a.txt", "lib/keep/x", "lib/deep/er/c.log", "lib/deep/cache/y"]
    files = {"Dockerfile": f"FROM {base}\nCOPY . /context\n", ".dockerignore": PATTERNS[patterns]}

    image, _, _ = build(docker_command, tmp_path, files | dict.fromkeys(names, ""))

    listed = {Path("/context", each.path) for each in context_files(an_image_order(tmp_path))}
    above = {parent for path in listed for parent in path.parents if parent.is_relative_to("/context")}
    assert {str(path) for path in listed | above} == set(run(docker, image, "find", "/context").split())


def test_same_directory_makes_the_same_image(
    docker_command: DockerCommand, base: str, tmp_path: Path
) -> None:
    """A second build of an unchanged directory finds all of it in Docker's cache."""
    files = {"Dockerfile": f"FROM {base}\nRUN echo once > /x\n"}

    first, _, _ = build(docker_command, tmp_path, files)
    second, _, _ = build(docker_command, tmp_path, files)

    assert first == second


@pytest.mark.parametrize(
    ("dockerfile", "line", "reason"),
    [
        ("FROM {base}\n# a comment\nRUN echo one && \\\n    echo two\nRUN exit 3\n", 5, "code: 3"),
        ("FROM {base}\nRUN true\nRUNN true\n", 3, "RUNN"),
        ("FROM {base}\nCOPY missing /\n", 2, "missing"),
    ],
    ids=["command", "instruction", "file"],
)
def test_failure_has_reason_and_line(
    docker_command: DockerCommand, base: str, tmp_path: Path, dockerfile: str, line: int, reason: str
) -> None:
    """What is wrong in a Dockerfile is told with Docker's words and the place."""
    with pytest.raises(JobImageNotBuilt) as raised:
        build(docker_command, tmp_path, {"Dockerfile": dockerfile.format(base=base)})

    first, *rest = raised.value.message.splitlines()
    assert first.startswith(f"{tmp_path}/Dockerfile:{line}: ")
    assert reason in first
    assert rest[-1].startswith("  | ")


def test_missing_dockerfile_is_told(docker_command: DockerCommand, tmp_path: Path) -> None:
    """A directory without a Dockerfile is no image."""
    with pytest.raises(JobImageNotBuilt, match="Dockerfile"):
        build(docker_command, tmp_path, {"main.py": ""})


def test_build_arguments_show_in_no_command_line(
    docker_command: DockerCommand, docker: DockerUnderTest, base: str, tmp_path: Path
) -> None:
    """Their values reach the build, and no process on this machine has one in its arguments."""
    secret = "s3cret-of-this-build"
    files = {"Dockerfile": f"FROM {base}\nARG TOKEN\nRUN echo ${{#TOKEN}} > /length\n"}
    seen: list[str] = []

    def look(line: str) -> None:
        for each in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(each.read_bytes().decode(errors="replace"))
            except OSError:  # has ended
                continue

    write_files(tmp_path, files)
    order = an_image_order(tmp_path, build_args={"TOKEN": secret})
    image = docker_command.build(order, a_tag(), look)

    assert f"{len(secret)}\n" == run(docker, image, "cat", "/length")
    assert [] == [words for words in seen if secret in words]
    assert [words for words in seen if "--build-arg\0TOKEN" in words]
    assert secret not in repr(order)


def test_argument_that_would_steer_docker_is_refused(docker_command: DockerCommand, tmp_path: Path) -> None:
    """A build argument is a variable of the docker command, so it must not be one of Docker's."""
    with pytest.raises(JobImageNotBuilt, match="DOCKER_HOST"):
        build(docker_command, tmp_path, {"Dockerfile": ""}, build_args={"DOCKER_HOST": "tcp://elsewhere"})


def test_image_of_another_platform_is_refused(
    docker_command: DockerCommand, base: str, tmp_path: Path
) -> None:
    """A base image for another machine than the job's would fail in production only."""
    with pytest.raises(JobImageNotBuilt, match="linux/arm64"):
        build(docker_command, tmp_path, {"Dockerfile": f"FROM {base}\n"}, platform="linux/arm64")


def test_build_that_is_stopped_ends(docker_command: DockerCommand, base: str, tmp_path: Path) -> None:
    """Stopping ends a build that would go on for long, and no further one begins."""
    is_sleeping = threading.Event()
    errors: list[BaseException] = []
    write_files(tmp_path, {"Dockerfile": f"FROM {base}\nRUN echo now && sleep 1000\n"})

    def on_line(line: str) -> None:
        if line.endswith("now"):
            is_sleeping.set()

    def work() -> None:
        try:
            docker_command.build(an_image_order(tmp_path), a_tag(), on_line)
        except EngineUnavailable as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert is_sleeping.wait(DEADLINE_S)
    docker_command.stop()
    thread.join(DEADLINE_S)

    assert (False, 1) == (thread.is_alive(), len(errors))
    with pytest.raises(EngineUnavailable):
        docker_command.build(an_image_order(tmp_path), a_tag(), on_line)


def test_no_engine_is_told(tmp_path: Path) -> None:
    """An engine that is away is not a fault of the Dockerfile."""
    write_files(tmp_path, {"Dockerfile": "FROM base\n"})
    command = DockerCommand({**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"})

    with pytest.raises(EngineUnavailable, match=r"none\.sock"):
        command.build(an_image_order(tmp_path), a_tag(), unheard)


def test_no_docker_command_is_told(tmp_path: Path) -> None:
    """Without Docker's command line the remedy is to install it."""
    command = DockerCommand({"PATH": str(tmp_path)})

    with pytest.raises(EngineUnavailable, match="no `docker` command"):
        command.build(an_image_order(tmp_path), a_tag(), unheard)


def test_registry_that_is_away_is_told(docker_command: DockerCommand, base: str) -> None:
    """A push to where nobody listens fails with the registry's name."""
    reference = "127.0.0.1:1/app:1"
    docker_command.tag(base, reference)

    with pytest.raises(RegistryRefused, match=r"127\.0\.0\.1:1"):
        docker_command.push(reference, RegistryLogin("127.0.0.1:1", "AWS", "token"), unheard)


def test_unknown_image_cannot_be_named(docker_command: DockerCommand) -> None:
    """A name is given to an image that is there."""
    with pytest.raises(JobImageNotBuilt, match="nothere"):
        docker_command.tag("livejob-test/nothere:1", "x:1")


def test_script_runs_in_an_image_without_python(docker: DockerUnderTest, base: str, tmp_path: Path) -> None:
    """busybox alone is enough for the command to get its payload."""
    script = container_script(['printf "%s" "$SST_PAYLOAD"; exit 3'])
    payload = '{"ü": 1}\n'
    write_files(tmp_path, {"payload.json": payload})
    mounted = ("-v", f"{tmp_path}:/src", "-e", "CODEBUILD_SRC_DIR=/src")

    done = subprocess.run(
        ["docker", "run", "--rm", "--network=none", *mounted, base, "sh", "-c", script],
        env=docker_environment(docker),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (3, payload, "") == (done.returncode, done.stdout, done.stderr)
