"""Makes the code of a Lambda function: a module with everything of livejob that it imports, as a zip.

Imports are found by reading (AST), never by importing, so nothing runs and what only a type checker
imports stays out. Third-party packages are not put in: the functions use boto3, which the runtime has.
Knows nothing of functions, stacks or uploads.
"""

from __future__ import annotations

import ast
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from livejob.deploy.zip_files import digest_of, write_zip


@dataclass(frozen=True, slots=True)
class CodeZip:
    """A deployment package.

    data:   the zip; equal input gives equal bytes on one machine (zlib's versions may differ).
    digest: SHA-256 of names and contents, 64 hex digits: equal for equal code on every machine.
    """

    data: bytes
    digest: str


def code_zip(module: str, root: Path) -> CodeZip:
    """The zip of `module` (dotted name) and all modules it imports that lie under `root`.

    root: the directory that holds the top-level package.

    Raises:
        FileNotFoundError: `module` is not there.
    """
    contents = named(import_closure(module, root), root)
    buffer = io.BytesIO()
    write_zip(buffer, contents)
    return CodeZip(buffer.getvalue(), digest_of(contents))


def named(modules: Mapping[str, Path], root: Path) -> dict[str, Path]:
    """The files of modules by their names in a zip: relative to `root`."""
    return {path.relative_to(root).as_posix(): path for path in modules.values()}


def import_closure(module: str, root: Path) -> dict[str, Path]:
    """Every module that importing `module` can lead to, with the packages around each: name -> file.

    Imports within functions count; those under `if TYPE_CHECKING:` do not.
    """
    return import_closure_of([module], root)


def import_closure_of(modules: Iterable[str], root: Path) -> dict[str, Path]:
    """The `import_closure` of several modules; each file is read once."""
    found: dict[str, Path] = {}
    waiting = list(modules)
    for name in waiting:
        if _module_file(name, root) is None:
            raise FileNotFoundError(f"no module {name} under {root}")
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        path = _module_file(name, root)
        if path is None:
            continue
        found[name] = path
        waiting += _packages_around(name)
        waiting += _imports(ast.parse(path.read_bytes()), name, is_package=path.name == "__init__.py")
    return found


def _module_file(name: str, root: Path) -> Path | None:
    base = root.joinpath(*name.split("."))
    candidates = (base / "__init__.py", base.with_name(base.name + ".py"))
    return next((path for path in candidates if path.is_file()), None)


def _packages_around(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _imports(tree: ast.AST, importer: str, *, is_package: bool) -> Iterator[str]:
    for node in _runtime_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _import_base(node, importer, is_package=is_package)
            yield base
            # `from package import name`: the name may be a module of its own.
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _import_base(node: ast.ImportFrom, importer: str, *, is_package: bool) -> str:
    if node.level == 0:
        return node.module or ""
    parts = importer.split(".")
    kept = len(parts) - node.level + is_package
    return ".".join([*parts[:kept], *([node.module] if node.module else [])])


def _runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes of the tree but those that only a type checker sees."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"
