"""What is in the image of one Python: the plan that is hashed, and then built when it is new.

The layout is that of public.ecr.aws/lambda/python:3.x. Left out on purpose: pip, awslambdaric and the
runtime interface emulator, because the supervisor takes their place.
Source: aws/aws-lambda-base-images, x86_64/Dockerfile.python3.12.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from livejob.local_runner.image.interpreter import HostPython
from livejob.local_runner.image.packages import installed_closure
from livejob.local_runner.image.system import base_files, certificates, libraries, time_zones, tools
from livejob.local_runner.image.tree import HostFile, Link, Tree, digest
from livejob.wire.names import TASK_ROOT

LANG_ROOT = "/var/lang"
"""Where Lambda's images keep the language."""

ENVIRONMENT = {
    "LANG": "en_US.UTF-8",
    "TZ": ":/etc/localtime",
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "LD_LIBRARY_PATH": (
        "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
    ),
    "LAMBDA_TASK_ROOT": TASK_ROOT,
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
}

_UNUSED_DIRECTORIES = {"ensurepip", "idlelib", "test", "tests", "tkinter", "turtledemo"}
_NOT_STDLIB = {"__pycache__", "dist-packages", "lib-dynload", "site-packages"}
_UNUSED_EXTENSIONS = ("_test", "_ctypes_test", "_tkinter", "_xx", "xx")
_BROUGHT_PACKAGE = "boto3"


@dataclass(frozen=True, slots=True)
class Recipe:
    """An image to be.

    tree:     everything but the bytecode, which follows from it.
    packages: name -> version of what Lambda's image brings beside the standard library.
    digest:   of all that goes in, and of the recipe itself.
    """

    python: HostPython
    tree: Tree
    packages: dict[str, str]
    digest: str


def plan(python: HostPython) -> Recipe:
    """The recipe of an image for `python`.

    Raises:
        ImageBuildFailed: this machine lacks a part (a shell, a CA bundle).
        OSError: a part cannot be read.
    """
    packages = installed_closure(_BROUGHT_PACKAGE)
    tree = {
        **base_files(),
        **time_zones(),
        **certificates(python.cafile),
        **tools(),
        **_language(python),
        **{
            f"{site_packages(python)}/{name}": HostFile(path)
            for package in packages
            for name, path in package.files.items()
            if path.is_file()
        },
    }
    tree |= libraries(tree, python.executable, f"{LANG_ROOT}/lib")
    return Recipe(
        python,
        tree,
        {package.name: package.version for package in packages},
        _digest(python, tree),
    )


def stdlib(python: HostPython) -> str:
    """Where the image has the standard library."""
    return f"{LANG_ROOT}/lib/python{python.minor}"


def site_packages(python: HostPython) -> str:
    """Where the image has third-party packages."""
    return f"{stdlib(python)}/site-packages"


def _language(python: HostPython) -> Tree:
    lib = stdlib(python)
    tree: Tree = {
        f"{LANG_ROOT}/bin/python{python.minor}": HostFile(python.executable, 0o755),
        f"{LANG_ROOT}/bin/python3": Link(f"python{python.minor}"),
        f"{LANG_ROOT}/bin/python": Link(f"python{python.minor}"),
    }
    tree |= {
        f"{lib}/{path.relative_to(python.stdlib)}": HostFile(path.resolve()) for path in _modules(python)
    }
    tree |= {
        f"{lib}/lib-dynload/{path.name}": HostFile(path.resolve(), 0o755) for path in _extensions(python)
    }
    if python.library_dir != "lib":
        tree[f"{LANG_ROOT}/{python.library_dir}"] = Link("lib")
    # A distribution's Python may look elsewhere for packages (Debian: dist-packages).
    for directory in python.site_dirs:
        first, _, rest = directory.partition("/")
        path = f"{LANG_ROOT}/{'lib' if first == python.library_dir else first}/{rest}"
        if path != site_packages(python):
            tree[path] = Link(site_packages(python))
    return tree


def _modules(python: HostPython) -> Iterator[Path]:
    """The files of the standard library, without tests, graphics and build configuration."""
    for directory, below, names in os.walk(python.stdlib):
        below[:] = [
            name
            for name in below
            if name not in _UNUSED_DIRECTORIES | _NOT_STDLIB and not name.startswith("config-")
        ]
        yield from (path for path in (Path(directory, name) for name in names) if path.is_file())


def _extensions(python: HostPython) -> Iterator[Path]:
    if python.extensions is not None:
        for path in python.extensions.glob("*.so"):
            if not path.name.startswith(_UNUSED_EXTENSIONS):
                yield path


def _digest(python: HostPython, tree: Tree) -> str:
    """Changes with any input: the files, the interpreter's build, and the recipe's own modules."""
    whole = hashlib.sha256(f"{python.build}\0{ENVIRONMENT}\0{digest(tree)}".encode())
    for module in sorted(Path(__file__).parent.glob("*.py")):
        whole.update(module.read_bytes())
    return whole.hexdigest()
