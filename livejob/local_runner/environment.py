"""What a worker finds in its environment: Lambda's variables, the app's place, and where AWS is. Pure.

The supervisor adds what belongs to one attempt (run id, credential endpoint); a job's own variables
travel with each attempt.
"""

from __future__ import annotations

from livejob.wire.names import ENV_APP, ENV_STAGE, StageNames


def stage_environment(names: StageNames, region: str, endpoint_url: str | None) -> dict[str, str]:
    """What everything that runs for a stage is told of it, in whatever image.

    endpoint_url: of a custom AWS endpoint, as the SDKs read it from AWS_ENDPOINT_URL; None for AWS.
    """
    environment = {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        ENV_APP: names.app,
        ENV_STAGE: names.stage,
    }
    if endpoint_url is not None:
        environment["AWS_ENDPOINT_URL"] = endpoint_url
    return environment


def worker_environment(names: StageNames, region: str, endpoint_url: str | None) -> dict[str, str]:
    """The environment of every worker of a stage, as `stage_environment` has its arguments.

    Source: Lambda, "Defined runtime environment variables".
    """
    return {**stage_environment(names, region, endpoint_url), "LANG": "en_US.UTF-8", "TZ": ":UTC"}
