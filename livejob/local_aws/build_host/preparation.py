"""DOWNLOAD_SOURCE: the source, its buildspec and the variables' values become what the container runs."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import IO

from livejob.local_aws.build_host.agent import Program, agent_program
from livejob.local_aws.build_host.aws import RoleAws
from livejob.local_aws.build_host.buildspec import PHASES, Buildspec, BuildspecInvalid, parse_buildspec
from livejob.local_aws.build_host.logs import BuildLog
from livejob.local_aws.build_host.messages import BuildOrder, is_inline
from livejob.local_aws.build_host.phases import PhaseFailed
from livejob.local_aws.build_host.source import DEFAULT_BUILDSPEC, YAML_FILE_ERROR, Source, download
from livejob.local_aws.build_host.variables import (
    codebuild_variables,
    default_variables,
    resolve,
    wanted_variables,
)

S3_ARN = "arn:aws:s3:::"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What goes into the container (`tar`, to be closed by its user), and what it will do."""

    tar: IO[bytes]
    spec: Buildspec
    program: Program


def prepare(order: BuildOrder, image: str, aws: RoleAws, log: BuildLog) -> Prepared:
    """Fetch and read everything.

    Raises:
        PhaseFailed: something is missing, not allowed or not understood.
    """
    source_dir = f"/codebuild/output/src{secrets.randbelow(10**9)}/src"
    log.say(f"CODEBUILD_SRC_DIR={source_dir}")
    source = _source(order, aws)
    try:
        spec = _read_spec(order, source, source_dir, aws, log)
        environment = _environment(order, spec, image, source_dir, aws, log)
        program = agent_program(spec, environment, secrets.token_hex(12))
        tar = source.pack(source_dir, program.files)
    finally:
        source.close()
    log.say(f"Moving to directory {source_dir}")
    log.say(f"Phases found in YAML: {len(spec.phases)}")
    for name in PHASES:
        if name in spec.phases:
            log.say(f" {name}: {len(spec.phase(name).commands)} commands")
    return Prepared(tar, spec, program)


def _source(order: BuildOrder, aws: RoleAws) -> Source:
    if order.source_type == "NO_SOURCE":
        return Source()
    return download(aws.s3(), order.source_location, order.source_version)


def _read_spec(order: BuildOrder, source: Source, source_dir: str, aws: RoleAws, log: BuildLog) -> Buildspec:
    text = order.buildspec or DEFAULT_BUILDSPEC
    if text.startswith(S3_ARN):
        text = _spec_in_s3(text, aws)
    elif not is_inline(text):
        path = f"{source_dir}/{text}"
        log.say(f"YAML location is {path}")
        text = source.text(text, path)
    try:
        spec = parse_buildspec(text)
    except BuildspecInvalid as error:
        raise PhaseFailed(YAML_FILE_ERROR, str(error)) from error
    for notice in spec.notices:
        log.say(notice)
    return spec


def _spec_in_s3(arn: str, aws: RoleAws) -> str:
    bucket, _, key = arn.removeprefix(S3_ARN).partition("/")
    client = aws.s3()
    try:
        return client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    except client.exceptions.ClientError as error:
        raise PhaseFailed(YAML_FILE_ERROR, f"{arn}: {error}") from error
    except ValueError as error:
        raise PhaseFailed(YAML_FILE_ERROR, f"{arn} is not UTF-8: {error}") from error


def _environment(
    order: BuildOrder, spec: Buildspec, image: str, source_dir: str, aws: RoleAws, log: BuildLog
) -> dict[str, str]:
    log.say("Processing environment variables")
    resolved = resolve(wanted_variables(spec, order), aws.ssm, aws.secrets_manager)
    log.hide(resolved.secrets)
    return {
        **default_variables(order),
        **resolved.values,
        **codebuild_variables(order, image, source_dir),
    }
