"""What is known of a running emulator, and the file in which its owner leaves it for others.

`state.json` (mode 0600, it holds the developer's keys) may outlive its emulator after a crash, and the
pid in it may since belong to another program: so a state counts only while that very process lives and
the emulator that answers on its port says the same instance.
"""

from __future__ import annotations

import http.client
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from livejob.local_aws.ports import HOST

STATE_FILE = "state.json"
HEALTH_PATH = "/_ministack/health"


@dataclass(frozen=True, slots=True)
class EmulatorState:
    """A running emulator.

    started:   of the process, in the kernel's own words; tells a reused pid from the true one.
    instance:  random, made at each start; the emulator repeats it in its health answer.
    access_key_id, secret_access_key: of the IAM user `developer`, whom all of livejob's calls come from.
    admin_...: of the IAM user `admin`, for resources that are the person's own; livejob makes no call as it.
    """

    pid: int
    started: str
    instance: str
    port: int
    endpoint_url: str
    region: str
    account: str
    version: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    admin_access_key_id: str
    admin_secret_access_key: str = field(repr=False)
    log: str

    def admin_environment(self) -> dict[str, str]:
        """The environment in which any AWS SDK or tool speaks to this emulator as its administrator."""
        return {
            "AWS_ACCESS_KEY_ID": self.admin_access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.admin_secret_access_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint_url,
        }

    def write(self, state_dir: Path) -> None:
        """Leave it in `state_dir`, for its owner's eyes only; readers see the old or the new one whole."""
        scratch = state_dir / f"{STATE_FILE}.{os.getpid()}"
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(self), file, indent=1)
        scratch.replace(state_dir / STATE_FILE)


def read_state(state_dir: Path) -> EmulatorState | None:
    """The state left in `state_dir`, true or not; None when there is none or it cannot be read."""
    try:
        fields = json.loads((state_dir / STATE_FILE).read_text())
        return EmulatorState(**fields)
    except (OSError, ValueError, TypeError):
        return None


def find_local_aws(state_dir: Path) -> EmulatorState | None:
    """The emulator that runs in `state_dir`, or None. Starts and changes nothing."""
    state = read_state(state_dir)
    return state if state is not None and is_running(state) else None


def is_running(state: EmulatorState) -> bool:
    """True while that very emulator lives and answers."""
    return process_started(state.pid) == state.started and instance_on(state.port) == state.instance


def process_started(pid: int) -> str | None:
    """When the process started, in clock ticks since boot; None when it does not live (or is a zombie).

    Source: proc(5), /proc/pid/stat, fields 3 and 22.
    """
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if after_name[0] == "Z" else after_name[19]


def instance_on(port: int, timeout_s: float = 2.0) -> str | None:
    """The instance that the emulator on `port` says to be; None when no emulator answers."""
    answer = health(port, timeout_s)
    return None if answer is None else str(answer.get("edition"))


def health(port: int, timeout_s: float) -> dict[str, object] | None:
    """The emulator's health answer, or None when nobody, or somebody else, answers within `timeout_s`."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout_s)
    try:
        connection.request("GET", HEALTH_PATH)
        answer = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return answer if isinstance(answer, dict) else None
