"""A Docker engine that a test may kill: started by scripts/engine in a directory of the test's own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

from livejob.local_runner.engines.docker_endpoint import DockerEndpoint

SCRIPT = Path(__file__).parents[2] / "scripts" / "engine"
DEADLINE_S = 180


def why_not() -> str:
    """Why no private engine can be had on this machine; "" when it can."""
    if os.getuid() != 0:
        return "only root can start an engine of its own"
    return "" if shutil.which("dockerd") else "no dockerd on this machine"


class PrivateEngine:
    """An engine below `directory`; `start` it, `kill` it, `start` it again, and `stop` it at the end."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "XDG_CACHE_HOME": str(directory),
            # Nobody listens there, so the script looks for no other engine than its own.
            "DOCKER_HOST": f"unix://{directory}/none.sock",
        }

    def start(self) -> DockerEndpoint:
        """Start it, or find it running; where it listens."""
        said = self._run("start")
        return DockerEndpoint(said.strip().removeprefix("DOCKER_HOST="))

    def kill(self) -> None:
        """As when the machine fails: its process is gone without a word."""
        words = self._run("status").split()
        os.kill(int(words[words.index("(pid") + 1].rstrip(",")), signal.SIGKILL)

    def stop(self) -> None:
        """End it and remove its data, images too. No error when it has been stopped."""
        self._run("stop")
        shutil.rmtree(self.directory / "livejob")

    def processes(self) -> list[int]:
        """Pids of the engine's dockerd, as long as it runs."""
        return [
            int(each.parent.name)
            for each in Path("/proc").glob("[0-9]*/cmdline")
            if _is_program(each, str(self.directory))
        ]

    def _run(self, command: str) -> str:
        done = subprocess.run(
            [SCRIPT, command],
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
            timeout=DEADLINE_S,
            check=True,
        )
        return done.stdout


def _is_program(cmdline: Path, directory: str) -> bool:
    """Docker's daemon, started with its data below `directory`."""
    try:
        words = cmdline.read_bytes().decode(errors="replace").split("\0")
    except OSError:  # the process has ended
        return False
    return words[0].endswith("dockerd") and any(word.startswith(directory) for word in words)
