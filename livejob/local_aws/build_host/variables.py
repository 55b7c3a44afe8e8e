"""The environment variables of a build: CodeBuild's own, and the user's with their values looked up.

Source: AWS CodeBuild, 'Environment variables in build environments'; 'env' in the build specification
reference (call before project before buildspec; the spelling of a secret).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from livejob.local_aws.build_host.buildspec import Buildspec
from livejob.local_aws.build_host.messages import BuildOrder, Variable
from livejob.local_aws.build_host.phases import PhaseFailed

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient

PARAMETER_ERROR = "Decrypted Variables Error"
SECRET_ERROR = "Secrets Manager Error"


@dataclass(frozen=True, slots=True)
class Resolved:
    """The user's variables with their values, and those of the values that must not be shown."""

    values: Mapping[str, str]
    secrets: Sequence[str]


def default_variables(order: BuildOrder) -> dict[str, str]:
    """What holds unless the user says otherwise."""
    return {"AWS_DEFAULT_REGION": order.region, "AWS_REGION": order.region, "HOME": "/root"}


def codebuild_variables(order: BuildOrder, image: str, source_dir: str) -> dict[str, str]:
    """What CodeBuild says of the build, whatever the user says. `image`: the one that really runs."""
    start_ms = int(order.phases[0]["startTime"] * 1000)
    variables = {
        "CODEBUILD_BUILD_ARN": order.arn,
        "CODEBUILD_BUILD_ID": order.id,
        "CODEBUILD_BUILD_IMAGE": image,
        "CODEBUILD_BUILD_NUMBER": str(order.number),
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_CI": "true",
        "CODEBUILD_INITIATOR": order.initiator,
        "CODEBUILD_KMS_KEY_ID": order.encryption_key,
        "CODEBUILD_LAST_EXIT": "0",
        "CODEBUILD_LOG_PATH": order.log_stream,
        "CODEBUILD_SRC_DIR": source_dir,
        "CODEBUILD_START_TIME": str(start_ms),
        "PWD": source_dir,
    }
    if order.source_type == "S3":
        variables["CODEBUILD_SOURCE_REPO_URL"] = order.source_location
        variables["CODEBUILD_SOURCE_VERSION"] = f"arn:aws:s3:::{order.source_location}"
    if order.source_version:
        variables["CODEBUILD_RESOLVED_SOURCE_VERSION"] = order.source_version
    return variables


def wanted_variables(spec: Buildspec, order: BuildOrder) -> dict[str, Variable]:
    """The user's variables by name, each from where it takes precedence."""
    of_spec = [
        *(Variable(name, value) for name, value in spec.variables.items()),
        *(Variable(name, value, "PARAMETER_STORE") for name, value in spec.parameter_store.items()),
        *(Variable(name, value, "SECRETS_MANAGER") for name, value in spec.secrets_manager.items()),
    ]
    return {variable.name: variable for variable in (*of_spec, *order.variables)}


def resolve(
    wanted: Mapping[str, Variable],
    ssm: Callable[[], SSMClient],
    secrets_manager: Callable[[], SecretsManagerClient],
) -> Resolved:
    """Look up what is not plain text. A client is made only when one is needed.

    Raises:
        PhaseFailed: a parameter or a secret is not there, or the role may not read it.
    """
    parameters = {v.name: v.value for v in wanted.values() if v.type == "PARAMETER_STORE"}
    secrets = {v.name: v.value for v in wanted.values() if v.type == "SECRETS_MANAGER"}
    stored = _parameters(ssm(), set(parameters.values())) if parameters else {}
    client = secrets_manager() if secrets else None
    found = {name: stored[where] for name, where in parameters.items()}
    if client is not None:
        found |= {name: _secret(client, where) for name, where in secrets.items()}
    plain = {v.name: v.value for v in wanted.values() if v.type == "PLAINTEXT"}
    return Resolved({**plain, **found}, tuple(found.values()))


def _parameters(ssm: SSMClient, names: set[str]) -> dict[str, str]:
    """Parameter name -> value, of all `names`.

    One call for each, with the plural action that CodeBuild uses: the emulator authorizes a call that
    names several for `*` alone.
    """
    found: dict[str, str] = {}
    for name in sorted(names):
        try:
            answer = ssm.get_parameters(Names=[name], WithDecryption=True)
        except ClientError as error:
            raise PhaseFailed(PARAMETER_ERROR, _reason(error)) from error
        if answer["InvalidParameters"]:
            raise PhaseFailed(PARAMETER_ERROR, f"parameter does not exist: {name}")
        found[name] = answer["Parameters"][0]["Value"]
    return found


@dataclass(frozen=True, slots=True)
class SecretName:
    """`secret-id:json-key:version-stage:version-id`, of which all but the first may be absent."""

    secret_id: str
    json_key: str
    version_stage: str
    version_id: str

    @staticmethod
    def read(text: str) -> SecretName:
        """The id may be a name or an ARN, which holds colons of its own."""
        id_parts_count = 7 if text.startswith("arn:") else 1
        parts = text.split(":")
        rest = [*parts[id_parts_count:], "", "", ""]
        return SecretName(":".join(parts[:id_parts_count]), *rest[:3])


def _secret(client: SecretsManagerClient, where: str) -> str:
    name = SecretName.read(where)
    versions = {"VersionStage": name.version_stage, "VersionId": name.version_id}
    try:
        answer = client.get_secret_value(
            SecretId=name.secret_id, **{key: value for key, value in versions.items() if value}
        )
    except ClientError as error:
        raise PhaseFailed(SECRET_ERROR, _reason(error)) from error
    text = answer["SecretString"]
    if not name.json_key:
        return str(text)
    try:
        value = json.loads(text)[name.json_key]
    except (ValueError, KeyError, TypeError) as error:
        raise PhaseFailed(SECRET_ERROR, f"{name.secret_id} has no JSON key {name.json_key!r}") from error
    return value if isinstance(value, str) else json.dumps(value)


def _reason(error: ClientError) -> str:
    details = error.response["Error"]
    return f"{details.get('Code')}: {details.get('Message')}"
