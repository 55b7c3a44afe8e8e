"""A daemon's stand-in that starts one worker, prints its id, and waits to be killed.

    python -m tests.support.abandoned_worker IMAGE OWNER STAGE

Speaks to the engine that DOCKER_HOST or Docker's context names.
"""

from __future__ import annotations

import asyncio
import os
import sys

from livejob.local_runner.engines.docker import DockerEngine
from livejob.local_runner.engines.docker_connection import DockerConnection
from livejob.local_runner.engines.docker_endpoint import find_endpoint
from livejob.local_runner.threads import ThreadGateway
from tests.support.attempts import HANDLERS, open_worker, worker_spec


async def start_and_wait(image: str, owner: str, stage: str) -> None:
    engine = DockerEngine(DockerConnection(find_endpoint(os.environ)), ThreadGateway("docker"), "host")
    async with open_worker(engine, worker_spec(HANDLERS, image=image, owner=owner, stage=stage)) as worker:
        print(worker.worker.id, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(start_and_wait(*sys.argv[1:]))
