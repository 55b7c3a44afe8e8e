"""What the build of an image sees, on a real file system."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from livejob.errors import JobImageNotBuilt
from livejob.images.context import context_digest, context_files
from livejob.images.port import ImageOrder, order_of
from livejob.project.specs import Container
from tests.support.image_fixtures import an_image_order, write_files
from tests.support.job_specs import a_job

FILES = {"Dockerfile": "FROM base\n", "main.py": "print(1)\n", "lib/part.py": "", "lib/data/x": "x"}


def paths(order: ImageOrder) -> list[str]:
    return [each.path for each in context_files(order)]


def test_context_is_the_directory(tmp_path: Path) -> None:
    """Files and directories, below the job's directory, in order."""
    write_files(tmp_path, FILES)

    assert ["Dockerfile", "lib", "lib/data", "lib/data/x", "lib/part.py", "main.py"] == paths(
        an_image_order(tmp_path)
    )


def test_ignored_files_are_not_in_it(tmp_path: Path) -> None:
    """`.dockerignore` holds as in Docker: the last pattern that matches decides, `**` crosses directories."""
    ignore = "# not these\n**/*.py\n!main.py\nlib/data\n"
    write_files(tmp_path, FILES | {".dockerignore": ignore, "lib/deep/er/z.py": ""})

    assert [".dockerignore", "Dockerfile", "lib", "lib/deep", "lib/deep/er", "main.py"] == paths(
        an_image_order(tmp_path)
    )


def test_ignore_file_of_a_dockerfile_takes_the_place_of_the_other(tmp_path: Path) -> None:
    """`Dockerfile.dockerignore` counts instead of `.dockerignore`, as in BuildKit."""
    write_files(tmp_path, FILES | {".dockerignore": "main.py", "Dockerfile.dockerignore": "lib"})

    assert [".dockerignore", "Dockerfile", "Dockerfile.dockerignore", "main.py"] == paths(
        an_image_order(tmp_path)
    )


def test_dockerfile_that_is_ignored_is_still_seen(tmp_path: Path) -> None:
    """Docker sends the Dockerfile to the builder whatever is ignored, so it counts."""
    write_files(tmp_path, {"build/Dockerfile": "FROM base", ".dockerignore": "*"})

    assert [".dockerignore", "build/Dockerfile"] == paths(an_image_order(tmp_path, file="build/Dockerfile"))


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda root: (root / "main.py").write_text("print(2)\n"),
    "Dockerfile": lambda root: (root / "Dockerfile").write_text("FROM other\n"),
    "new file": lambda root: (root / "new.py").write_text(""),
    "new directory": lambda root: (root / "empty").mkdir(),
    "removed file": lambda root: (root / "lib/part.py").unlink(),
    "renamed file": lambda root: (root / "main.py").rename(root / "main2.py"),
    "executable": lambda root: (root / "main.py").chmod(0o755),
    "link": lambda root: (root / "link").symlink_to("main.py"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_digest_tells_a_change(tmp_path: Path, change: str) -> None:
    """Whatever a build may see changes the digest."""
    write_files(tmp_path, FILES)
    before = context_digest(an_image_order(tmp_path))

    CHANGES[change](tmp_path)

    assert before != context_digest(an_image_order(tmp_path))


def test_digest_tells_another_target_of_a_link(tmp_path: Path) -> None:
    """A link is in the context as a link, so its target counts and not what is there."""
    write_files(tmp_path, FILES)
    (tmp_path / "link").symlink_to("main.py")
    before = context_digest(an_image_order(tmp_path))

    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("lib/part.py")

    assert before != context_digest(an_image_order(tmp_path))


@pytest.mark.parametrize(
    "fields", [{"build_args": {"A": "2"}}, {"platform": "linux/arm64"}, {"file": "lib/part.py"}], ids=str
)
def test_digest_tells_another_order(tmp_path: Path, fields: dict[str, object]) -> None:
    """Build arguments, platform and the choice of the Dockerfile count."""
    write_files(tmp_path, FILES)

    digest = context_digest(an_image_order(tmp_path, build_args={"A": "1"}))

    assert digest != context_digest(an_image_order(tmp_path, **({"build_args": {"A": "1"}} | fields)))


def test_digest_is_that_of_another_checkout(tmp_path: Path) -> None:
    """Times, owners, umask and what is ignored make no difference."""
    one, other = tmp_path / "one", tmp_path / "other"
    ignore = {".dockerignore": "*.log"}
    write_files(one, FILES | ignore)
    write_files(other, FILES | ignore | {"x.log": "said"})
    os.utime(other / "main.py", (1, 1))
    (other / "main.py").chmod(0o600)

    assert context_digest(an_image_order(one)) == context_digest(an_image_order(other))


def test_listing_tells_a_save(tmp_path: Path) -> None:
    """Without a look into the files the listing says that one was written."""
    write_files(tmp_path, FILES)
    order = an_image_order(tmp_path)
    before = context_files(order)
    looked_again = context_files(order)

    os.utime(tmp_path / "main.py", ns=(1, 1))

    assert before == looked_again
    assert before != context_files(order)


def test_missing_dockerfile_is_an_error(tmp_path: Path) -> None:
    """Without a Dockerfile there is nothing to build, and the error names it."""
    with pytest.raises(JobImageNotBuilt) as raised:
        context_digest(an_image_order(tmp_path))

    assert f"there is no {tmp_path}/Dockerfile" == raised.value.message


def test_order_is_made_of_the_job(tmp_path: Path) -> None:
    """Directory, Dockerfile, arguments and platform are the job's."""
    container = Container(("run",), file="Dockerfile.job", build_args={"A": "1"})
    spec = a_job("Resize", handler="src/job", runtime="container", architecture="arm64", container=container)

    expected = ImageOrder(tmp_path / "src/job", "Dockerfile.job", {"A": "1"}, "linux/arm64")
    assert expected == order_of(tmp_path, spec)
