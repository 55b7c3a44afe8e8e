"""What the workers of a job have learned to import ahead, kept between sessions.

Belongs to what a worker is made of: another image, other dependencies or another Python begin anew. One
worker of a job at a time tries modules out; the others are told. Loss of the file costs time, nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from livejob.wire.worker import Hello, ModulesLearned, Preload

DIRECTORY = "preload"


class Preloads(Protocol):
    """Of one job."""

    def news(self, worker: str, hello: Hello, version: int) -> tuple[Preload | None, int]:
        """What a worker that has `version` (0: nothing yet) should be told, and the version it has then."""
        ...

    def learn(self, worker: str, learned: ModulesLearned) -> None: ...

    def forget(self, worker: str) -> None:
        """The worker is gone."""
        ...


class NoPreloads:
    """`preload = false`: every attempt imports everything by itself."""

    def news(self, worker: str, hello: Hello, version: int) -> tuple[Preload | None, int]:
        return None, version

    def learn(self, worker: str, learned: ModulesLearned) -> None:
        """Nobody learns."""

    def forget(self, worker: str) -> None:
        """Nobody is known."""


@dataclass(slots=True)
class _Known:
    """modules: in order. excluded: module -> reason. is_off: it went wrong, nothing more is tried."""

    modules: list[str] = field(default_factory=list)
    excluded: dict[str, str] = field(default_factory=dict)
    is_off: bool = False


class JobPreloads:
    """Kept in one file of `.livejob/preload/`."""

    def __init__(
        self,
        job: str,
        directory: Path,
        made_of: Callable[[], str],
        environment: Callable[[], Mapping[str, str]],
        tell: Callable[[str], None],
    ) -> None:
        """made_of: names image and dependencies of the job's workers. environment: the job's own variables.

        tell: hears why a module is not imported ahead, once.
        """
        self._job = job
        self._directory = directory / DIRECTORY
        self._made_of = made_of
        self._environment = environment
        self._tell = tell
        self._path: Path | None = None
        self._known = _Known()
        self._version = 1
        self._teacher: str | None = None

    def news(self, worker: str, hello: Hello, version: int) -> tuple[Preload | None, int]:
        self._turn_to(hello)
        self._teacher = self._teacher or worker
        if self._known.is_off or version == self._version:
            return None, self._version
        modules, excluded = list(self._known.modules), list(self._known.excluded)
        is_teacher = worker == self._teacher
        return Preload(modules, excluded, dict(self._environment()), is_teacher), self._version

    def learn(self, worker: str, learned: ModulesLearned) -> None:
        fresh = {name: why for name, why in learned.excluded.items() if name not in self._known.excluded}
        for name, why in fresh.items():
            if why.startswith("cannot be imported"):  # of interest to nobody
                continue
            self._tell(f"{name} is imported anew by each run of {self._job}: at its import it {why}")
        self._known.excluded.update(fresh)
        self._known.modules += [name for name in learned.modules if name not in self._known.modules]
        if learned.is_spoilt:
            self._known = _Known(is_off=True)
            self._tell(f"nothing is imported ahead for {self._job} any more: it has left threads in a worker")
        self._version += 1
        self._write()

    def forget(self, worker: str) -> None:
        if self._teacher == worker:
            self._teacher = None

    def _turn_to(self, hello: Hello) -> None:
        made_of = f"{self._made_of()} {hello.python}"
        key = hashlib.blake2b(made_of.encode(), digest_size=8).hexdigest()
        path = self._directory / f"{self._job}-{key}.json"
        if path != self._path:
            self._path = path
            self._known = _read(path)
            self._version += 1

    def _write(self) -> None:
        assert self._path is not None
        known = self._known
        text = json.dumps({"modules": known.modules, "excluded": known.excluded, "is_off": known.is_off})
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        new.write_text(text)
        new.replace(self._path)


def _read(path: Path) -> _Known:
    """Nothing known where there is no file, or one of another version."""
    try:
        found = json.loads(path.read_text())
        return _Known(list(found["modules"]), dict(found["excluded"]), bool(found["is_off"]))
    except (OSError, ValueError, KeyError, TypeError):
        return _Known()
