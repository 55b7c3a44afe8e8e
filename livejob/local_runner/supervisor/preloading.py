"""Third-party modules that the job needs, imported here so that its attempts have them by the fork.

Which those are is learned from attempts. What is new is tried out in a process aside; only what leaves
nothing behind is imported here. The daemon keeps what was learned for the next worker, which then trusts it.
Only ever an optimization: a child in which a module is missing imports it by itself.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping

from livejob.local_runner.supervisor.aside import Aside
from livejob.local_runner.supervisor.trial import Verdicts, is_excluded, thread_count_after_fork, try_imports
from livejob.runner.importing import Preloaded
from livejob.wire.worker import ModulesLearned, Preload

TRIAL_S = 60.0


class Preloading:
    """Off until the daemon has sent a Preload."""

    def __init__(self, aside: Aside, tell: Callable[[ModulesLearned], None]) -> None:
        self._aside = aside
        self._tell = tell
        self.preloaded: Preloaded | None = None
        """All that has come into this process by importing ahead; None while it is off."""
        self._is_learning = False
        self._before = frozenset(sys.modules)
        self._wanted: dict[str, None] = {}
        self._excluded: dict[str, str] = {}
        self._loaded: dict[str, None] = {}
        self._trusted: list[str] = []

    @property
    def has_work(self) -> bool:
        return bool(self._trusted) or (self._untried() and not self._aside.is_busy)

    def begin(self, message: Preload, environment: Mapping[str, str]) -> None:
        """Import what earlier workers have learned, now: the attempt that follows needs it anyway.

        environment: that of attempts; packages read it when they are imported.
        """
        os.environ.clear()
        os.environ.update(environment)
        if self.preloaded is None:
            self._before = frozenset(sys.modules)
        self._is_learning = message.is_to_learn
        self._excluded.update(dict.fromkeys(message.excluded, ""))
        self._load(message.modules)
        _keep_shared()

    def learn(self, modules: Iterable[str]) -> None:
        """Modules that an attempt has imported, in that order."""
        if self._is_learning:
            self._wanted.update(dict.fromkeys(modules))

    def work(self) -> None:
        """Take one step, while there is nothing else to do."""
        if self._trusted:
            self._load([self._trusted.pop(0)])
            if not self._trusted:
                _keep_shared()
        elif not self._aside.is_busy and self._untried():
            names, excluded = list(self._wanted), frozenset(self._excluded)
            self._aside.begin(
                lambda fd: try_imports(names, excluded, lambda data: os.write(fd, data)), self._tried, TRIAL_S
            )

    def catch_up(self) -> None:
        """Import what was found good and has not been imported yet: the attempt that follows needs it."""
        if self._trusted:
            self._load(self._trusted)
            self._trusted = []
            _keep_shared()

    def _untried(self) -> bool:
        return any(
            name not in self._loaded and name not in sys.modules and not is_excluded(name, self._excluded)
            for name in self._wanted
        )

    def _tried(self, data: bytes) -> None:
        verdicts = Verdicts.decode(data)
        self._excluded.update(verdicts.excluded)
        if not verdicts.is_whole and not verdicts.excluded:
            # It never began: nothing can be said, and nothing is to be tried again and again.
            self._wanted.clear()
        if verdicts.is_whole:
            self._trusted = list(verdicts.good)
            # What came along with another module, or is no module by itself, needs no trial any more.
            self._wanted.clear()
        self._tell(ModulesLearned(list(self._trusted), dict(verdicts.excluded), is_spoilt=False))

    def _load(self, names: Iterable[str]) -> None:
        failed: dict[str, str] = {}
        for name in names:
            if name in self._loaded or is_excluded(name, self._excluded):
                continue
            self._loaded[name] = None
            try:
                importlib.import_module(name)
            except Exception as error:  # noqa: BLE001 - the attempt meets it again, and tells the user there
                failed[name] = f"cannot be imported by itself: {type(error).__name__}: {error}"
        self.preloaded = Preloaded.of(frozenset(sys.modules) - self._before)
        if failed:
            self._excluded.update(failed)
            self._tell(ModulesLearned([], failed, is_spoilt=False))
        if thread_count_after_fork() > 1:
            self._tell(ModulesLearned([], {}, is_spoilt=True))


def _keep_shared() -> None:
    """As `Zygote.settle` does: what is there now stays shared with the children."""
    gc.collect()
    gc.freeze()
