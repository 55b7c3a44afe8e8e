"""The packages that workers are given, by runtime; follows a changed lock.

Workers that run keep the directory that they were started with; new ones get the new one.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from livejob.clock import Clock
from livejob.errors import DependenciesUnusable
from livejob.local_runner.events import DependenciesInstalled, DependenciesInstalling, Reporter, Warned
from livejob.local_runner.threads import ThreadGateway
from livejob.project.dependencies import AppPackages, WantedPackages, remove_unused


class Dependencies:
    """Of one session."""

    def __init__(
        self,
        packages: AppPackages,
        runtimes: Collection[str],
        gateway: ThreadGateway,
        reporter: Reporter,
        clock: Clock,
    ) -> None:
        self._packages = packages
        self._runtimes = sorted(runtimes)
        self._gateway = gateway
        self._reporter = reporter
        self._clock = clock
        self._wanted: WantedPackages | None = None
        self._directories: dict[str, Path] = {}

    def directory(self, runtime: str) -> Path | None:
        """What a worker of that runtime is given now."""
        return self._directories.get(runtime)

    async def open(self) -> None:
        """Have the packages ready.

        Raises:
            DependenciesUnusable: they cannot be had.
        """
        await self._have(await self._gateway.call(self._packages.wanted))
        used = frozenset(self._directories.values())
        await self._gateway.call(remove_unused, self._packages.cache, used)

    async def follow(self) -> bool:
        """Have what is wanted now; True when that is something else. What cannot be had is told."""
        try:
            wanted = await self._gateway.call(self._packages.wanted)
            if wanted == self._wanted:
                return False
            await self._have(wanted)
        except DependenciesUnusable as error:
            self._reporter.report(
                Warned(f"{error.message}\nRuns go on with the packages from before.", error.remedy)
            )
            return False
        return True

    async def _have(self, wanted: WantedPackages | None) -> None:
        # Remembered first: what failed once is not tried again before it changes.
        self._wanted = wanted
        if wanted is None:
            self._directories = {}
            return
        missing = [
            runtime
            for runtime in self._runtimes
            if not await self._gateway.call(self._packages.is_installed, wanted, runtime)
        ]
        began_s = self._clock.monotonic_s()
        if missing:
            self._reporter.report(DependenciesInstalling(wanted.file, missing))
        self._directories = {
            runtime: await self._gateway.call(self._packages.install, wanted, runtime)
            for runtime in self._runtimes
        }
        if missing:
            self._reporter.report(DependenciesInstalled(wanted.file, self._clock.monotonic_s() - began_s))
