"""Shared libraries, found without the loader and checked against it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from livejob.local_runner.image.elf import Loader, read_elf


def libraries_by_ldd(files: list[Path]) -> dict[str, Path]:
    """What the loader itself says: soname -> file."""
    command = ["ldd", *map(str, files)]
    listing = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    fields = (line.split() for line in listing.splitlines() if "=>" in line)
    return {words[0]: Path(words[2]) for words in fields if words[2].startswith("/")}


@pytest.mark.skipif(shutil.which("ldd") is None, reason="no ldd to compare with")
def test_closure_is_what_the_loader_takes():
    """For this Python and its extensions every library, however indirect, is the one that ldd names."""
    extensions = Path(sysconfig.get_config_var("DESTSHARED")).glob("*.so")
    files = [Path(sys.executable).resolve(), *extensions]

    closure = Loader().closure(files)

    expected = libraries_by_ldd(files)
    assert expected == {soname: closure.get(soname) for soname in expected}
    assert closure.keys() - expected.keys() <= loader_names(files)


def loader_names(files: list[Path]) -> set[str]:
    """The dynamic loader under its two names: a path in programs, a soname in the C library."""
    interpreters = {elf.interpreter for elf in map(read_elf, files) if elf is not None and elf.interpreter}
    return interpreters | {Path(each).name for each in interpreters}


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01 32 bits"])
def test_file_that_is_no_program_is_none(tmp_path: Path, content: bytes):
    """Scripts, empty files and other formats are told from ELF files."""
    path = tmp_path / "file"
    path.write_bytes(content)

    assert read_elf(path) is None
