"""Takes commands from the emulator, runs each build in a thread, and clears everything away at the end."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from typing import IO

import requests
from docker.errors import DockerException

from livejob.local_aws.build_host.build import Build, HostParts
from livejob.local_aws.build_host.engine import connect
from livejob.local_aws.build_host.messages import BuildOrder, Fields, Report, read_command, report_line
from livejob.local_aws.build_host.orphans import is_dead, remove_containers
from livejob.local_aws.build_host.phases import PhaseFailed

CLOSE_TIMEOUT_S = 3.0


class Host:
    """The builds of one emulator."""

    def __init__(self, parts: HostParts, reports: IO[bytes]) -> None:
        self._parts = parts
        self._reports = reports
        self._reporting = threading.Lock()
        self._builds: dict[str, tuple[Build, threading.Thread]] = {}

    def serve(self, commands: IO[bytes]) -> None:
        """Do what the commands say until they end; then end all builds. Nothing is left when it returns."""
        threading.Thread(target=self._sweep, name="sweep", daemon=True).start()
        for line in commands:
            command = read_command(line)
            if isinstance(command, BuildOrder):
                self._start(command)
            elif command in self._builds:
                self._builds[command][0].stop()
        self._close()

    def _start(self, order: BuildOrder) -> None:
        build = Build(order, self._parts, lambda changes: self._tell(order.id, changes))
        thread = threading.Thread(target=self._run, args=(order.id, build), name=order.id, daemon=True)
        self._builds[order.id] = (build, thread)
        thread.start()

    def _run(self, build_id: str, build: Build) -> None:
        build.run()
        self._builds.pop(build_id, None)

    def _tell(self, build_id: str, changes: Fields) -> None:
        # When the emulator is gone there is nobody to tell; the end of the commands is on its way.
        with self._reporting, suppress(BrokenPipeError):
            self._reports.write(report_line(Report(build_id, changes)))
            self._reports.flush()

    def _sweep(self) -> None:
        """Remove what hosts left that have died."""
        try:
            client = connect(self._parts.engine)
            remove_containers(client, is_dead)
            client.close()
        except (PhaseFailed, DockerException, requests.RequestException) as error:
            sys.stderr.write(f"No sweep for containers that were left behind: {error}\n")

    def _close(self) -> None:
        """End all builds at once, and remove their containers, also those that are just being made."""
        running = list(self._builds.values())
        for build, _ in running:
            build.abandon()
        if not self._parts.marker.exists():
            return
        with suppress(PhaseFailed, DockerException, requests.RequestException):  # the next sweep tries again
            client = connect(self._parts.engine)
            until = time.monotonic() + CLOSE_TIMEOUT_S
            remove_containers(client, lambda owner: owner == self._parts.owner)
            for _, thread in running:
                thread.join(max(0.0, until - time.monotonic()))
            remove_containers(client, lambda owner: owner == self._parts.owner)
            self._parts.marker.unlink(missing_ok=True)
