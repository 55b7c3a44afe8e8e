"""For the tests of users' apps: run a job right here, and the shipped twins of what is elsewhere.

Nothing of livejob itself imports this package.
"""

from livejob.bridge.memory import MemoryHub
from livejob.clock import SteppedClock
from livejob.runs.memory import MemoryDocuments, MemoryRunStore, MemorySessionStore
from livejob.testing.running import make_context, run_job

__all__ = [
    "MemoryDocuments",
    "MemoryHub",
    "MemoryRunStore",
    "MemorySessionStore",
    "SteppedClock",
    "make_context",
    "run_job",
]
