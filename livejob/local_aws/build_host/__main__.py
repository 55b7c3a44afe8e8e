"""The build host's process. Started by the emulator's CodeBuild and by nobody else; see `messages`.

A composition root. The engine's address comes in the environment; nothing else does.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

from botocore.loaders import Loader

from livejob.clock import SystemClock
from livejob.local_aws.build_host.build import HostParts
from livejob.local_aws.build_host.host import Host
from livejob.local_aws.build_host.orphans import this_host


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--marker", type=Path, required=True)
    parser.add_argument("--slots", type=int, required=True, help="builds that may run at the same time")
    options = parser.parse_args()
    parts = HostParts(
        clock=SystemClock(),
        loader=Loader(),
        engine=os.environ,
        slots=threading.Semaphore(options.slots),
        owner=this_host(),
        marker=options.marker,
    )
    Host(parts, sys.stdout.buffer).serve(sys.stdin.buffer)
    sys.stderr.flush()
    os._exit(0)  # threads that still read from a dead engine must not hold the process


if __name__ == "__main__":
    main()
