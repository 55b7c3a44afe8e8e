"""Import of the user's modules through a `CodeCache`: a path hook, its finder, its loader.

Serves the user's directories: those below one root, and those that the user's code itself puts on the module
search path. What was on that path before (a virtual environment or a bundle, be it below the root) and
installed packages keep Python's own import, with their .pyc files: they do not change. Extension modules are
Python's own business too.
"""

from __future__ import annotations

import inspect
import linecache
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from itertools import takewhile
from pathlib import Path
from types import CodeType, ModuleType

from livejob.runner.sources import CodeCache

SOURCE_SUFFIX = ".py"

INSTALLED = f"{os.sep}site-packages{os.sep}"


def install_hook(root: str, code: CodeCache) -> None:
    """Have the user's directories served from `code` when they are searched. Once in a process.

    Nothing is searched there before `add_root`, so a process that must not import the user's modules
    itself can prepare its children.

    root: absolute path, as it shall stand in tracebacks.
    """
    elsewhere = tuple(_below(path) for path in sys.path if path)
    sys.path_hooks.insert(0, _Hook(_below(root), elsewhere, code))


def add_root(root: str) -> None:
    """Put `root` first on the module search path, as Lambda has its task root."""
    sys.path_importer_cache.pop(root, None)
    sys.path.insert(0, root)


@dataclass(frozen=True, slots=True)
class Preloaded:
    """Modules that were imported ahead, before a fork. tops: their names at the top level, each once."""

    names: frozenset[str] = frozenset()
    tops: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: Collection[str]) -> Preloaded:
        return cls(frozenset(names), tuple(sorted({name.partition(".")[0] for name in names})))


def forget_shadowed(preloaded: Preloaded, root: str, code: CodeCache) -> None:
    """Forget modules that were imported ahead and whose name the user's source takes: it comes first."""
    for top in preloaded.tops:
        stem = f"{root}{os.sep}{top}"
        places = (stem + SOURCE_SUFFIX, f"{stem}{os.sep}__init__{SOURCE_SUFFIX}")
        if not any(code.sources.look(path) for path in places):
            continue
        for name in [name for name in preloaded.names if name == top or name.startswith(f"{top}.")]:
            sys.modules.pop(name, None)


def last_imported() -> str:
    """Name of the module that came last: see `packages_imported_after`."""
    return next(reversed(sys.modules))


def packages_imported_after(last: str) -> list[str]:
    """Names of the modules that have come after `last`, without the user's own, in order.

    From the end: a look at an object writes into its memory (it is counted), which a forked process has to
    copy for that; so it looks at none of those that it inherited. At all of them when `last` itself is gone.
    """
    newest_first = takewhile(lambda item: item[0] != last, reversed(sys.modules.items()))
    return [name for name, module in reversed(list(newest_first)) if _is_package(module, name)]


def _is_package(module: object, name: str) -> bool:
    spec = getattr(module, "__spec__", None)
    if not isinstance(spec, ModuleSpec) or spec.name != name or spec.origin is None:
        return False
    return not isinstance(spec.loader, _Loader | _ExtensionLoader)


class _Hook:
    """Python asks it once for each directory on a search path."""

    def __init__(self, root: str, elsewhere: tuple[str, ...], code: CodeCache) -> None:
        self._root = root
        self._elsewhere = elsewhere
        self._elsewhere_below = tuple(path for path in elsewhere if path.startswith(root))
        self._code = code

    def __call__(self, path: str) -> _Finder:
        entry = self._code.sources.look(path) if self._is_users(_below(path)) else None
        if entry is None or not entry.is_directory:
            raise ImportError("not a directory of the app's source", path=path)
        return _Finder(path, self._code)

    def _is_users(self, place: str) -> bool:
        if place.startswith(self._root):
            return not place.startswith(self._elsewhere_below)
        return not place.startswith(self._elsewhere) and INSTALLED not in place


class _Finder:
    """Finds the modules of one directory, in the order of Python's own finder.

    It remembers no listing, so a module that appears later is found. Python looks for `iter_modules` to
    list it (pkgutil).
    """

    def __init__(self, directory: str, code: CodeCache) -> None:
        self.path = directory
        self._directory = _below(directory)
        self._code = code

    def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
        name = fullname.rpartition(".")[2]
        base = self._directory + name
        is_directory = self._is_directory(base)
        if is_directory:
            package = self._spec(fullname, f"{base}{os.sep}__init__", [base])
            if package is not None:
                return package
        module = self._spec(fullname, base, None)
        if module is None and is_directory:
            module = ModuleSpec(fullname, None)  # a part of a namespace package
            module.submodule_search_locations = [base]
        return module

    def iter_modules(self, prefix: str = "") -> Iterator[tuple[str, bool]]:
        """What pkgutil asks for: each module's name with `prefix` before it, and whether it is a package."""
        found: dict[str, bool] = {}
        for name in sorted(self._code.sources.names(self.path)):
            module = inspect.getmodulename(name)
            if module is None and name.isidentifier():
                if self._is_file(f"{self._directory}{name}{os.sep}__init__{SOURCE_SUFFIX}"):
                    found[name] = True
            elif module not in (None, "__init__"):
                found.setdefault(module, False)
        return ((prefix + name, is_package) for name, is_package in found.items())

    def invalidate_caches(self) -> None:
        """There are none."""

    def _spec(self, fullname: str, stem: str, search: list[str] | None) -> ModuleSpec | None:
        for suffix in EXTENSION_SUFFIXES:
            if self._is_file(stem + suffix):
                return _located(fullname, _ExtensionLoader(fullname, stem + suffix), search)
        if self._is_file(stem + SOURCE_SUFFIX):
            return _located(fullname, _Loader(fullname, stem + SOURCE_SUFFIX, self._code), search)
        return None

    def _is_directory(self, path: str) -> bool:
        entry = self._code.sources.look(path)
        return entry is not None and entry.is_directory

    def _is_file(self, path: str) -> bool:
        entry = self._code.sources.look(path)
        return entry is not None and not entry.is_directory


class _ExtensionLoader(ExtensionFileLoader):
    """Python's own, for an extension module of the user's."""


class _Loader(SourceFileLoader):
    """Python's own loader, its code from the cache."""

    def __init__(self, fullname: str, path: str, code: CodeCache) -> None:
        super().__init__(fullname, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        compiled = self._code.compiled(path)
        # Without a time of change linecache keeps it: a file that is edited while this code runs would
        # otherwise show its new lines in the traceback of the old code.
        linecache.cache[path] = (compiled.size_bytes, None, compiled.lines, path)
        return compiled.code

    def get_data(self, path: str) -> bytes:
        is_source = os.fspath(path).endswith(SOURCE_SUFFIX)
        return self._code.sources.read(path) if is_source else super().get_data(path)


def _located(
    fullname: str, loader: ExtensionFileLoader | SourceFileLoader, search: Sequence[str] | None
) -> ModuleSpec | None:
    spec = spec_from_file_location(
        fullname, loader.path, loader=loader, submodule_search_locations=list(search) if search else None
    )
    if spec is not None:
        spec.cached = None  # there is no .pyc, so nothing may look for one
    return spec


def _below(path: str) -> str:
    """The path with one separator at its end: what lies below it starts with this."""
    return str(Path(path).absolute()).rstrip(os.sep) + os.sep
