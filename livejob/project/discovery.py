"""Finds the jobs of an app by reading its source, never by importing it.

A file that cannot be read hides no other file's jobs: what is wrong comes back as problems beside them.
Called at each start, deployment and save, so files that do not mention livejob are not even parsed, and after
a save only what was saved is read again.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from livejob.errors import JobSpecInvalid, NoJobs
from livejob.project.decorators import DecoratedFunction, find_decorated, module_names
from livejob.project.job_arguments import make_spec, refuse_container
from livejob.project.source_files import is_python_file, python_files, walk_order
from livejob.project.specs import CONTAINER_RUNTIME, JobSpec

SETTINGS_FILE = "livejob.toml"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the app that hides a job.

    text:    `file:line: what is wrong`.
    excerpt: the line with a caret under the place, as Python prints it; "" where there is none.
    """

    text: str
    excerpt: str = ""

    def __str__(self) -> str:
        return f"{self.text}\n{self.excerpt}" if self.excerpt else self.text


@dataclass(frozen=True, slots=True)
class Discovery:
    """The jobs that could be read, by name, and what could not."""

    jobs: Mapping[str, JobSpec]
    problems: Sequence[Problem]

    def require_whole(self, source: Path) -> Mapping[str, JobSpec]:
        """The jobs, when there are some and no problem hides another.

        Raises:
            JobSpecInvalid: there is a problem; all are in the message.
            NoJobs: the app defines none.
        """
        if self.problems:
            raise JobSpecInvalid("\n".join(str(problem) for problem in self.problems))
        if not self.jobs:
            raise NoJobs("The app defines no job.", source=source)
        return self.jobs


def discover(
    root: Path,
    source: Path,
    tables: Mapping[str, Mapping[str, object]] | None = None,
    defaults: Mapping[str, object] | None = None,
) -> Discovery:
    """All jobs of an app as they are written at this moment; arguments as of `JobFinder`."""
    return JobFinder(root, source, tables, defaults).find()


class JobFinder:
    """The jobs of one app: decorated functions and the `[jobs.Name]` tables of livejob.toml.

    Remembers what each file defines.
    """

    def __init__(
        self,
        root: Path,
        source: Path,
        tables: Mapping[str, Mapping[str, object]] | None = None,
        defaults: Mapping[str, object] | None = None,
    ) -> None:
        """
        root:     the app's directory, absolute; places in messages are relative to it.
        source:   directory that becomes /var/task, `root` or below.
        tables:   name -> arguments, `handler` among them.
        defaults: arguments for jobs that do not give them.
        """
        self._root = root
        self._source = source
        self.tables = tables or {}
        self._defaults = defaults or {}
        self._by_file: dict[str, tuple[_Found, ...]] | None = None

    def find(self) -> Discovery:
        """All jobs, each file read anew."""
        files = ((path.relative_to(self._source).as_posix(), path) for path in python_files(self._source))
        self._by_file = {name: tuple(_decorated(self._root, self._source, path)) for name, path in files}
        return self._discovery()

    def find_after(self, changed: Iterable[str]) -> Discovery:
        """All jobs, when since the last look only these files, relative to the source, have changed."""
        if self._by_file is None:
            return self.find()
        for name in changed:
            self._by_file.pop(name, None)
            path = self._source / name
            if is_python_file(path, self._source):
                self._by_file[name] = tuple(_decorated(self._root, self._source, path))
        return self._discovery()

    def _discovery(self) -> Discovery:
        # In the order of a walk: of two jobs of one name, the first one counts.
        assert self._by_file is not None
        files = sorted((name for name, found in self._by_file.items() if found), key=walk_order)
        found = [
            *(each for name in files for each in self._by_file[name]),
            *_tabled(self._source, self.tables),
        ]
        problems = [each for each in found if isinstance(each, Problem)]
        jobs: dict[str, JobSpec] = {}
        for each in found:
            if isinstance(each, Problem):
                continue
            try:
                if not each.is_table:
                    refuse_container(each.arguments, each.place)
                spec = make_spec({**self._defaults, **each.arguments}, each.handler, each.place)
            except JobSpecInvalid as error:
                problems.append(Problem(error.message))
                continue
            first = jobs.setdefault(spec.name, spec)
            if first is not spec:
                problems.append(
                    Problem(f"{spec.defined_at}: {first.defined_at} defines a job {spec.name} too")
                )
        return Discovery(jobs, problems)


@dataclass(frozen=True, slots=True)
class _Definition:
    """A job as it is written. handler: as in JobSpec; place: `file:line`."""

    arguments: Mapping[str, object]
    handler: str
    place: str
    is_table: bool = False


_Found = _Definition | Problem


def _decorated(root: Path, source: Path, path: Path) -> Iterator[_Found]:
    """What one file defines."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:  # removed since it was listed
        return
    if b"livejob" not in text:
        return
    shown = path.relative_to(root).as_posix()
    tree = _parse(text, shown)
    if isinstance(tree, Problem):
        yield tree
        return
    module = path.relative_to(source).with_suffix("").as_posix()
    for each in find_decorated(tree):
        if isinstance(each, DecoratedFunction):
            handler = f"{module}.{each.function}"
            yield _Definition(each.arguments, handler, f"{shown}:{each.line}")
        else:
            yield Problem(f"{shown}:{each.line}: {each.message}")


def _tabled(source: Path, tables: Mapping[str, Mapping[str, object]]) -> Iterator[_Found]:
    for name, table in tables.items():
        place = f"{SETTINGS_FILE} [jobs.{name}]"
        arguments = {"name": name, **table}
        handler = arguments.pop("handler", None)
        if arguments.get("runtime") == CONTAINER_RUNTIME:
            problem = _directory_problem(source, handler)
        else:
            problem = _handler_problem(source, handler)
        if problem:
            yield Problem(f"{place}: {problem}")
        else:
            yield _Definition(arguments, str(handler), place, is_table=True)


def _directory_problem(source: Path, handler: object) -> str:
    """Why no image can be made there; "" when there is the directory. Its Dockerfile is docker's affair."""
    if not isinstance(handler, str) or not handler:
        return 'handler must be the directory of the Dockerfile, "path/to/directory", relative to the source'
    path = (source / handler).resolve()
    if not path.is_relative_to(source.resolve()) or not path.is_dir():
        return f"handler {handler!r}: there is no such directory in {source}"
    return ""


def _handler_problem(source: Path, handler: object) -> str:
    """Why there is no such handler; "" when there is."""
    if not isinstance(handler, str) or not handler.rpartition(".")[0]:
        return 'handler must be "path/to/file.function", relative to the source and without .py'
    module, _, function = handler.rpartition(".")
    path = (source / module).with_name(f"{Path(module).name}.py")
    if not path.resolve().is_relative_to(source.resolve()) or not path.is_file():
        return f"handler {handler!r}: there is no file {module}.py in {source}"
    tree = _parse(path.read_bytes(), f"{module}.py")
    if isinstance(tree, Problem):
        return str(tree)
    return "" if function in module_names(tree) else f"handler {handler!r}: {module}.py has no {function}"


def _parse(text: bytes, shown: str) -> ast.Module | Problem:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as invalid escapes: for whoever runs the code
            return ast.parse(text)
    except SyntaxError as error:
        line = (error.text or "").rstrip("\n")
        indent = len(line) - len(line.lstrip())
        caret = " " * max((error.offset or 1) - 1 - indent, 0) + "^"
        excerpt = f"    {line.strip()}\n    {caret}" if line else ""
        return Problem(f"{shown}:{error.lineno or 1}: {error.msg}", excerpt)
    except (ValueError, RecursionError) as error:  # a NUL byte; nested too deeply for the parser
        return Problem(f"{shown}:1: cannot be parsed: {error}")
