"""livejob's jobs in an AWS CDK app: `LivejobStage`, and `Job` with the props of SST's construct.

    stage = LivejobStage(stack, "Livejob", app="shop", stage="prod")
    job = Job(stage, "MyJob", handler="src/job.main")
    job.grant_run(function)

A layer above `livejob.deploy`, whose resources it makes; nothing of livejob knows it.
"""

from livejob_infra.job import Job, JobCdk
from livejob_infra.props import ContainerProps, CopyFile
from livejob_infra.stage import LivejobStage

__all__ = ["ContainerProps", "CopyFile", "Job", "JobCdk", "LivejobStage"]
