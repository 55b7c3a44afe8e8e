"""Wheels of a few lines, made on the spot: packages that can be installed without an index."""

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


_BACKEND = """
import os, subprocess, zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    {build}
    name, version = {name!r}, {version!r}
    path, info = f"{{name}}-{{version}}-py3-none-any.whl", f"{{name}}-{{version}}.dist-info"
    files = {{
        f"{{name}}.py": {text},
        f"{{info}}/METADATA": f"Metadata-Version: 2.1\\nName: {{name}}\\nVersion: {{version}}\\n",
        f"{{info}}/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }}
    record = "".join(f"{{each}},,\\n" for each in (*files, f"{{info}}/RECORD"))
    with zipfile.ZipFile(os.path.join(directory, path), "w") as wheel:
        for each, content in {{**files, f"{{info}}/RECORD": record}}.items():
            wheel.writestr(each, content)
    return path
"""


def make_sdist(directory: Path, name: str, version: str, text: str, build: str = "pass") -> Path:
    """A package without a wheel, which builds itself from nothing but Python.

    text:  a Python expression for the text of its module, evaluated where it is built.
    build: a statement that its build executes.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}-{version}.tar.gz"
    project = (
        f'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        f'[project]\nname = "{name}"\nversion = "{version}"\n'
    )
    files = {
        "pyproject.toml": project,
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "backend.py": _BACKEND.format(name=name, version=version, text=text, build=build),
    }
    with tarfile.open(path, "w:gz") as archive:
        for each, content in files.items():
            member = tarfile.TarInfo(f"{name}-{version}/{each}")
            member.size = len(content.encode())
            archive.addfile(member, io.BytesIO(content.encode()))
    return path
