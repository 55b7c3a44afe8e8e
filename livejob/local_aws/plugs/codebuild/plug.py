"""Wires CodeBuild's parts together and puts them into the running emulator. Loaded with the first need."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from livejob.clock import SystemClock
from livejob.local_aws.build_host.messages import Report
from livejob.local_aws.plugs.codebuild.credentials import Credentials
from livejob.local_aws.plugs.codebuild.emulator import Account, install
from livejob.local_aws.plugs.codebuild.process import BuildHostProcess
from livejob.local_aws.plugs.codebuild.service import CodeBuildService


class CodeBuildPlug:
    """CodeBuild in this emulator."""

    def __init__(self, endpoint_url: str, engine: Mapping[str, str], marker: Path) -> None:
        clock = SystemClock()
        account = Account(clock)
        self.credentials = Credentials(clock)
        self._hosts = BuildHostProcess(engine, marker, self._report, self._lost)
        self._service = CodeBuildService(account, account, self._hosts, self.credentials, clock, endpoint_url)
        install(self._service)

    def sweep(self) -> None:
        """Have removed what builds of an emulator that was killed have left."""
        self._hosts.start()

    def close(self) -> None:
        """End all builds; returns when their containers are gone."""
        self._hosts.close()

    def _report(self, report: Report) -> None:
        try:
            self._service.apply(report)
        except Exception:
            logging.getLogger(__name__).exception("CodeBuild: a report of %s was lost", report.build)

    def _lost(self, builds: set[str]) -> None:
        self._service.fail(builds)
