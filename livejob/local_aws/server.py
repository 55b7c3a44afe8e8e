"""The emulator's own process: imports MiniStack, serves it, and ends with its owner.

Started by `process.start_process` and by nobody else. Plugs, for services that MiniStack lacks, stand in
front of its app and come to life with the first request for their service.

Standard input is a pipe: the first line is the `Orders`, and the end of the pipe means that the owner is
gone (by kill -9 too), so the emulator ends as well.
The root keys come that way because an environment can be read by every process of the same user.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from livejob.local_aws.guard import guarded
from livejob.local_aws.plugs.codebuild.front import CodeBuildFront
from livejob.local_aws.plugs.registry.front import RegistryFront

MARKER = "builds"
"""File beside the scratch directory, there while builds may have containers."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What the owner tells the emulator.

    listening_fd: an inherited socket that already listens on 127.0.0.1:`port`.
    instance:     comes back in the health answer as `edition`, so that the owner knows its own emulator.
    scratch:      directory for everything the emulator puts on disk; removed at the end.
    engine:       the container engine's address, as Docker's tools take it (DOCKER_HOST and its like).
    """

    listening_fd: int
    port: int
    instance: str
    account: str
    region: str
    root_access_key_id: str
    root_secret_access_key: str
    scratch: str
    engine: Mapping[str, str]

    def to_line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


def main() -> None:
    orders = Orders(**json.loads(sys.stdin.buffer.readline()))
    os.environ.update(emulator_environment(orders))
    asyncio.run(_serve_until_told(orders))


def emulator_environment(orders: Orders) -> Mapping[str, str]:
    """MiniStack's settings, read by it at import. Functions that it runs inherit them, except for the
    root keys, in whose place they get those of their role."""
    return {
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": orders.root_access_key_id,
        "AWS_SECRET_ACCESS_KEY": orders.root_secret_access_key,
        "AWS_EC2_METADATA_DISABLED": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(orders.port),
        # It looks for containers of its own at start; ours are none of its business.
        "DOCKER_HOST": f"unix://{orders.scratch}/no-docker.sock",
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_ACCOUNT_ID": orders.account,
        "MINISTACK_EDITION": orders.instance,
        "MINISTACK_REGION": orders.region,
        "S3_DATA_DIR": f"{orders.scratch}/s3",
        "SFTP_ENABLED": "0",
        "STATE_DIR": f"{orders.scratch}/state",
    }


async def _serve_until_told(orders: Orders) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from hypercorn.typing import ASGIFramework
    from ministack.app import app

    config = Config()
    config.bind = [f"fd://{orders.listening_fd}"]
    config.keep_alive_timeout = 75
    codebuild = CodeBuildFront(
        app, f"http://127.0.0.1:{orders.port}", orders.engine, Path(orders.scratch).with_name(MARKER)
    )
    registry = RegistryFront(codebuild, f"127.0.0.1:{orders.port}", Path(orders.scratch) / "registry")
    framework = cast(ASGIFramework, guarded(registry))
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    loop.add_reader(sys.stdin.fileno(), _when_owner_gone, told)
    serving = asyncio.create_task(serve(framework, config, shutdown_trigger=asyncio.Event().wait))
    waiting = asyncio.create_task(told.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():  # it failed; the traceback goes into the log
        serving.result()
    # In a thread: builds that end may have to say something to the services here.
    await asyncio.to_thread(codebuild.close)
    _end(orders)


def _when_owner_gone(told: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        told.set()


def _end(orders: Orders) -> None:
    """End at once, with the functions that still run: all state is in memory and meant to go.

    A graceful end would wait for them and for open WebSockets.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)  # the group is our own: we were started in a new session
    shutil.rmtree(orders.scratch, ignore_errors=True)
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
