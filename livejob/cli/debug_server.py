"""`livejob start --debug-server`: runs connect to PyCharm, which listens. Part of the composition root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from livejob.cli.start_debug import DebugWish, OpenedDebug
from livejob.local_runner.debug.debug_server import DebugServerAddress, DebugServerDebugging
from livejob.local_runner.debug.package import PYDEVD, pydevd_for
from livejob.local_runner.debug.paths import LocalPaths
from livejob.local_runner.engines.port import WorkerDebugger
from livejob.local_runner.events import DependenciesInstalling, Reporter
from livejob.project.dependencies import TargetPython
from livejob.project.settings import Settings


@dataclass(frozen=True, slots=True)
class _Packages:
    """pydevd for workers, of PyCharm's version."""

    settings: Settings
    reporter: Reporter

    def for_pythons(self, pythons: Mapping[str, TargetPython]) -> Mapping[str, WorkerDebugger]:
        """Raises DependenciesUnusable: it cannot be installed."""
        cache, version = self.settings.livejob_directory / "pydevd", self.settings.pydevd or ""
        if not cache.is_dir():
            self.reporter.report(DependenciesInstalling(Path(PYDEVD), list(pythons)))
        return {runtime: pydevd_for(python, version, cache) for runtime, python in pythons.items()}


def opened_connections(
    host: str, port: int, wish: DebugWish, settings: Settings, reporter: Reporter
) -> OpenedDebug:
    """What connects runs to the IDE. Nothing is opened before there is a run."""
    address = DebugServerAddress(host, port, wish.is_on_error)
    debugging = DebugServerDebugging(address, LocalPaths(settings.source_directory), reporter)
    packages = _Packages(settings, reporter)
    hint = "runs connect to PyCharm's debug server"
    return OpenedDebug(debugging, None, packages.for_pythons, str(address), hint)
