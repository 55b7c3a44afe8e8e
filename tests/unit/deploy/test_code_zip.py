"""Which modules go into a function's zip, found by reading them."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from livejob.deploy.code_zip import code_zip, import_closure


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A place for packages."""
    return tmp_path


def make(root: Path, files: dict[str, str]) -> None:
    for name, source in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)


def closure_of(root: Path, module: str) -> set[str]:
    return set(import_closure(module, root))


def test_imports_are_followed(root: Path):
    """What a module imports, and what that imports, is in; what nobody imports is not."""
    make(root, {"a.py": "import b", "b.py": "from c import x", "c.py": "x = 1", "d.py": ""})

    assert {"a", "b", "c"} == closure_of(root, "a")


def test_a_module_brings_its_packages(root: Path):
    """The packages around a module are in, with what they import."""
    make(
        root,
        {"p/__init__.py": "import q", "p/r/__init__.py": "", "p/r/s.py": "", "p/t.py": "", "q.py": ""},
    )

    assert {"p", "p.r", "p.r.s", "q"} == closure_of(root, "p.r.s")


@pytest.mark.parametrize(
    "statement",
    [
        "from p import b",
        "from . import b",
        "from .b import x",
        "import p.b as other",
        "from .q import y",
        "from ..p import b",
    ],
)
def test_ways_to_import(root: Path, statement: str):
    """Absolute and relative imports, of modules and of names in them, are understood."""
    make(
        root,
        {
            "p/__init__.py": "",
            "p/a.py": statement,
            "p/b.py": "x = 1",
            "p/q/__init__.py": "from .. import b; y = 1",
        },
    )

    assert "p.b" in closure_of(root, "p.a")


def test_imports_within_functions_count(root: Path):
    """An import that happens later is needed too."""
    make(
        root,
        {"a.py": "def f():\n    try:\n        import b\n    except ImportError:\n        pass", "b.py": ""},
    )

    assert {"a", "b"} == closure_of(root, "a")


@pytest.mark.parametrize("test", ["TYPE_CHECKING", "typing.TYPE_CHECKING"])
def test_imports_for_type_checkers_do_not(root: Path, test: str):
    """What only a type checker imports stays out; the other branch is in."""
    make(root, {"a.py": f"if {test}:\n    import b\nelse:\n    import c", "b.py": "", "c.py": ""})

    assert {"a", "c"} == closure_of(root, "a")


def test_cycles_end(root: Path):
    """Modules that import each other are in once each."""
    make(root, {"a.py": "import b", "b.py": "import a"})

    assert {"a", "b"} == closure_of(root, "a")


def test_other_packages_stay_out(root: Path):
    """What does not lie under the root comes from elsewhere."""
    make(root, {"a.py": "import boto3, json"})

    assert {"a"} == closure_of(root, "a")


def test_a_module_that_is_not_there(root: Path):
    """Asking for nothing is an error."""
    with pytest.raises(FileNotFoundError, match="no module a under"):
        import_closure("a", root)


def test_the_zip_holds_the_files(root: Path):
    """The zip has each module at its path, readable by everybody."""
    make(root, {"p/__init__.py": "", "p/a.py": "x = 1"})

    archive = zipfile.ZipFile(io.BytesIO(code_zip("p.a", root).data))

    assert ["p/__init__.py", "p/a.py"] == archive.namelist()
    assert b"x = 1" == archive.read("p/a.py")
    assert {0o644} == {info.external_attr >> 16 & 0o777 for info in archive.infolist()}


def test_equal_files_make_equal_zips(root: Path, tmp_path_factory: pytest.TempPathFactory):
    """The same sources elsewhere and at another time make the same bytes and the same digest."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for place in (root, elsewhere):
        make(place, {"a.py": "import b", "b.py": "x = 1"})

    os.utime(elsewhere / "a.py", (0, 0))

    assert code_zip("a", root) == code_zip("a", elsewhere)


def test_another_file_makes_another_digest(root: Path):
    """A changed byte or a changed name changes the digest."""
    make(root, {"a.py": "import b", "b.py": "x = 1"})
    before = code_zip("a", root).digest
    make(root, {"b.py": "x = 2"})

    assert before != code_zip("a", root).digest
