"""Wheels and source distributions of a few lines, made on the spot: no index is needed for them."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path


def make_wheel(directory: Path, name: str, version: str, text: str, tag: str = "py3-none-any") -> Path:
    """A wheel of one module `name` with that text. Source: PyPA, 'Binary distribution format'."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = "".join(f"{each},,\n" for each in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(path, "w") as wheel:
        for each, content in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(each, content)
    return path


_BACKEND = '''
"""A build backend of the package itself, so that its build needs no index."""

import subprocess
import sys
import io
import tarfile
import zipfile


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    for command in {commands!r}:
        try:
            subprocess.run([command, "--version"], check=True, stdout=subprocess.DEVNULL)
        except FileNotFoundError:
            sys.exit(f"error: command '{{command}}' failed: No such file or directory")
    name, info = "{name}-{version}-py3-none-any.whl", "{name}-{version}.dist-info"
    made_by = "BUILT_WITH = %r\\n" % sys.base_prefix
    with zipfile.ZipFile(wheel_directory + "/" + name, "w") as wheel:
        wheel.writestr("{name}.py", made_by)
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "")
    return name
'''


def make_sdist(directory: Path, name: str, version: str, commands: tuple[str, ...] = ()) -> Path:
    """A source distribution whose module says by BUILT_WITH which Python built it.

    commands: programs without which its build fails, in the words in which setuptools misses a compiler.
    Source: PyPA, 'Source distribution format'; PEP 517, in-tree build backends.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}-{version}.tar.gz"
    files = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": _BACKEND.format(name=name, version=version, commands=commands),
    }
    with tarfile.open(path, "w:gz") as archive:
        for each, text in files.items():
            entry = tarfile.TarInfo(f"{name}-{version}/{each}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path
