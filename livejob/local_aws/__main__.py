"""`python -m livejob.local_aws`: a local AWS that runs until Ctrl-C. A composition root, like `cli`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from livejob.deploy.developer_permissions import developer_policies
from livejob.errors import LivejobError
from livejob.local_aws.launcher import ACCOUNT, LocalAws, LocalAwsConfig, open_local_aws
from livejob.local_aws.process import engine_variables


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    config = LocalAwsConfig(
        state_dir=options.state_dir.resolve(),
        developer_policies=developer_policies(ACCOUNT, options.region),
        port=options.port,
        region=options.region,
        engine=engine_variables(os.environ),
    )
    try:
        return asyncio.run(_run(open_local_aws(config)))
    except LivejobError as error:
        _say(f"error: {error.message}\nhint: {error.remedy}")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m livejob.local_aws", description=__doc__)
    parser.add_argument("--port", type=int, help="of 127.0.0.1; default: 4610 or the next free one")
    parser.add_argument("--state-dir", type=Path, default=Path(".livejob/local-aws"))
    parser.add_argument("--region", default="us-east-1")
    return parser


async def _run(aws: LocalAws) -> int:
    """Wait for Ctrl-C, SIGTERM or the emulator's own end."""
    if not aws.is_owner:
        _say(f"Already running: {aws.state.endpoint_url} (pid {aws.state.pid})")
        return 0
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    _say(f"Local AWS ready: {aws.state.endpoint_url} (MiniStack {aws.state.version}); Ctrl-C ends it.")
    dying = asyncio.ensure_future(aws.wait_died())
    waiting = asyncio.ensure_future(told.wait())
    await asyncio.wait({dying, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        if dying.done():
            raise dying.result()
        dying.cancel()
    finally:
        aws.stop()
    return 0


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
