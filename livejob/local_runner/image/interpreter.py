"""Finds a CPython of a wanted minor version on this machine, and asks it where its parts are.

Runs the interpreters it finds (isolated, without site), because only they know their layout: pyenv's,
Debian's, uv's and Fedora's all differ. Knows nothing of images.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from livejob.errors import PythonMissing

OLDEST_MINOR = 11
"""Workers run livejob's own code, which needs Python 3.11."""

_PROBE_TIMEOUT_S = 20

_PROBE = """
import json, os, site, sys
try:
    import ssl
    cafile = ssl.get_default_verify_paths().openssl_cafile
except ImportError:
    cafile = ""
print(json.dumps({
    "version": list(sys.version_info[:3]),
    "is_usable": sys.implementation.name == "cpython" and sys.abiflags == "",
    "build": sys.version,
    "executable": os.path.realpath(getattr(sys, "_base_executable", sys.executable)),
    "prefix": os.path.realpath(sys.base_prefix),
    "library_dir": sys.platlibdir,
    "stdlib": os.path.realpath(os.path.dirname(os.__file__)),
    "extensions": next((path for path in sys.path if path.endswith("lib-dynload")), ""),
    "site_dirs": site.getsitepackages([sys.base_prefix]),
    "cafile": cafile,
}))
"""


@dataclass(frozen=True, slots=True)
class HostPython:
    """A CPython of this machine and where its parts are.

    build:       `sys.version`: tells two builds of one version apart.
    library_dir: "lib", or "lib64" where the distribution's Python looks there.
    extensions:  directory of the standard library's extension modules.
    site_dirs:   where it looks for third-party packages, relative to its prefix.
    cafile:      where its OpenSSL looks for the CA bundle; "" without ssl.
    """

    version: tuple[int, int, int]
    build: str
    executable: Path
    library_dir: str
    stdlib: Path
    extensions: Path | None
    site_dirs: tuple[str, ...]
    cafile: str

    @property
    def minor(self) -> str:
        """Like "3.11"."""
        return f"{self.version[0]}.{self.version[1]}"


def parse_minor(text: str) -> str:
    """ "3.12" of "3.12" or "python3.12" (a Lambda runtime's name).

    Raises:
        PythonMissing: not a Python that a worker can run.
    """
    match = re.fullmatch(r"(?:python)?3\.(\d{1,2})", text)
    if match is None or int(match[1]) < OLDEST_MINOR:
        raise PythonMissing(
            f"{text!r} is no Python that a worker can run",
            remedy=f"Choose 3.{OLDEST_MINOR} or newer, e.g. `livejob image build --python 3.12`.",
        )
    return f"3.{match[1]}"


def find_python(minor: str, environment: Mapping[str, str]) -> HostPython:
    """The first usable CPython `minor` ("3.12"): the running one, on PATH, or in a usual place.

    Raises:
        PythonMissing: there is none; the message says where it was looked for.
    """
    looked: list[str] = []
    for candidate in _candidates(minor, environment):
        looked.append(str(candidate))
        python = inspect_python(candidate)
        if python is not None and python.minor == minor:
            return python
    raise PythonMissing(
        f"there is no usable CPython {minor} on this machine; looked at PATH, pyenv, uv, asdf, mise and /opt"
        + (f" and tried {', '.join(looked)}" if looked else ""),
        minor=minor,
    )


def _candidates(minor: str, environment: Mapping[str, str]) -> Iterator[Path]:
    """Interpreters that may be of that version, each file once."""
    seen: set[Path] = set()
    for path in _places(minor, environment):
        real = path.resolve()
        if real not in seen and path.is_file():
            seen.add(real)
            yield path


def _places(minor: str, environment: Mapping[str, str]) -> Iterator[Path]:
    if minor == f"{sys.version_info[0]}.{sys.version_info[1]}":
        yield Path(sys.executable)
    name = f"python{minor}"
    on_path = environment.get("PATH", "").split(":")
    yield from (Path(each) / name for each in (*on_path, "/usr/local/bin", "/usr/bin") if each)
    home = Path(environment.get("HOME", "/"))
    roots = (
        (Path(environment.get("PYENV_ROOT", home / ".pyenv")) / "versions", f"{minor}.*"),
        (home / ".local/share/uv/python", f"cpython-{minor}.*"),
        (home / ".asdf/installs/python", f"{minor}.*"),
        (home / ".local/share/mise/installs/python", f"{minor}.*"),
        (Path("/opt"), "python*"),
    )
    for root, pattern in roots:
        yield from (each / "bin" / name for each in sorted(root.glob(pattern), reverse=True))


def inspect_python(executable: Path) -> HostPython | None:
    """What the interpreter says of itself; None when it cannot be used (a shim without a version,
    another implementation, a free-threaded or debug build)."""
    command = [str(executable), "-I", "-S", "-c", _PROBE]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PROBE_TIMEOUT_S, check=True)
        facts = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if not facts["is_usable"]:
        return None
    prefix = Path(facts["prefix"])
    site_dirs = (Path(each) for each in facts["site_dirs"])
    return HostPython(
        version=tuple(facts["version"]),
        build=facts["build"],
        executable=Path(facts["executable"]),
        library_dir=facts["library_dir"],
        stdlib=Path(facts["stdlib"]),
        extensions=Path(facts["extensions"]) if facts["extensions"] else None,
        site_dirs=tuple(str(each.relative_to(prefix)) for each in site_dirs if each.is_relative_to(prefix)),
        cafile=facts["cafile"],
    )
