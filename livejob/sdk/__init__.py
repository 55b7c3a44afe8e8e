"""What user code imports: jobs are defined, started by name or by definition, and followed."""

from livejob.sdk.client import Client, Job
from livejob.sdk.definition import JobDefinition, job
from livejob.sdk.run import Run, RunStatus

__all__ = ["Client", "Job", "JobDefinition", "Run", "RunStatus", "job"]
