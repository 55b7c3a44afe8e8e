"""Writes resources down as CloudFormation JSON. Pure: equal resources give equal bytes.

Names and ARNs are literal, because account and region are known; references between resources are there
where one must exist before the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from livejob.deploy.resources import (
    LOG_RETENTION_DAYS,
    Bucket,
    Function,
    JobResources,
    Parameter,
    Role,
    StageResources,
    Table,
)

Json = dict[str, object]

DIGEST_OUTPUT = "Deployment"
"""Output of the stack: digest of the template and tags that it was last deployed with.

An output and not a tag: CloudFormation hands a stack's tags down to every resource, and a tag that is
new with each deployment would touch them all.
"""


def stage_template(stage: StageResources) -> Json:
    """The template of a development stage."""
    names = stage.context.names
    resources: Json = {
        "RunTable": _table(stage.table),
        **_bucket("StageBucket", stage.bucket),
        "StubRole": _role(stage.stub_role, "Stub"),
    }
    for each in stage.jobs:
        resources |= _job(each)
    return _template(
        f"livejob: stage {names.stage} of app {names.app}",
        resources,
        {"RunTable": {"Ref": "RunTable"}, "StageBucket": {"Ref": "StageBucket"}},
    )


def artifacts_template(bucket: Bucket) -> Json:
    """The template of the one stack that all apps of an account and region share."""
    return _template(
        "livejob: what deployments of this account and region upload",
        _bucket("ArtifactsBucket", bucket),
        {"ArtifactsBucket": {"Ref": "ArtifactsBucket"}},
    )


def with_digest(template: Json, tags: Mapping[str, str]) -> tuple[str, str]:
    """The template as text, with its digest among its outputs; and the digest."""
    digest = hashlib.sha256(_text({"template": template, "tags": dict(tags)}).encode()).hexdigest()
    outputs = template["Outputs"]
    assert isinstance(outputs, dict)
    return _text({**template, "Outputs": {**outputs, DIGEST_OUTPUT: {"Value": digest}}}), digest


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _template(description: str, resources: Json, outputs: Json) -> Json:
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": description,
        "Resources": resources,
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }


def logical_id(job: str) -> str:
    """The job's name as part of a logical id, which has only letters and digits.

    `Resize` -> `Resize`. A name with hyphens gets some of its digest, so that `a-b` and `ab` differ.
    """
    plain = job.replace("-", "")
    return plain if plain == job else f"{plain}{hashlib.sha256(job.encode()).hexdigest()[:8]}"


def _job(job: JobResources) -> Json:
    prefix = f"Job{logical_id(job.job)}"
    return {
        f"{prefix}Role": _role(job.role, "Job"),
        f"{prefix}Log": _log_group(job.invoker),
        f"{prefix}Invoker": _function(job.invoker, log=f"{prefix}Log"),
        f"{prefix}InvokerAsync": _no_retries(f"{prefix}Invoker"),
        f"{prefix}Parameter": _parameter(job.invoker_parameter, after=f"{prefix}Invoker"),
    }


def _resource(kind: str, properties: Json, **attributes: object) -> Json:
    return {"Type": f"AWS::{kind}", "Properties": properties, **attributes}


def _table(table: Table) -> Json:
    properties: Json = {
        "TableName": table.name,
        "BillingMode": "PAY_PER_REQUEST",
        **table.schema,
        "TimeToLiveSpecification": {"AttributeName": table.ttl_attribute, "Enabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"SSEEnabled": True},
    }
    return _resource("DynamoDB::Table", properties, **_lifetime("Delete"))


def _bucket(name: str, bucket: Bucket) -> Json:
    rules: list[Json] = [
        {"Id": f"expire-{prefix.strip('/')}", "Prefix": prefix, "ExpirationInDays": days, "Status": "Enabled"}
        for prefix, days in bucket.expiry_days.items()
    ]
    rules.append(
        {
            "Id": "abort-uploads",
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
            "Status": "Enabled",
        }
    )
    properties: Json = {
        "BucketName": bucket.name,
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
            ]
        },
        "LifecycleConfiguration": {"Rules": rules},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
    }
    lifetime = _lifetime("Retain" if bucket.is_kept else "Delete")
    return {
        name: _resource("S3::Bucket", properties, **lifetime),
        f"{name}Policy": _resource("S3::BucketPolicy", _tls_only(name, bucket)),
    }


def _tls_only(name: str, bucket: Bucket) -> Json:
    arn = f"arn:aws:s3:::{bucket.name}"
    statement: Json = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {"Bucket": {"Ref": name}, "PolicyDocument": _policy([statement])}


def _role(role: Role, policy: str) -> Json:
    trust: Json = {"Effect": "Allow", "Principal": dict(role.principal), "Action": "sts:AssumeRole"}
    properties: Json = {
        "RoleName": role.name,
        "MaxSessionDuration": role.session_s,
        "AssumeRolePolicyDocument": _policy([trust]),
    }
    if role.statements:  # a policy document without a statement is not valid
        document = _policy(role.statements)
        properties["Policies"] = [{"PolicyName": policy, "PolicyDocument": document}]
    return _resource("IAM::Role", properties)


def _policy(statements: Sequence[Mapping[str, object]]) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _log_group(function: Function) -> Json:
    properties: Json = {
        "LogGroupName": function.log_group,
        "RetentionInDays": LOG_RETENTION_DAYS,
    }
    return _resource("Logs::LogGroup", properties, **_lifetime("Delete"))


def _function(function: Function, log: str) -> Json:
    properties: Json = {
        "FunctionName": function.name,
        "Handler": function.handler,
        "Runtime": function.runtime,
        "MemorySize": function.memory_mb,
        "Timeout": function.timeout_s,
        "Role": {"Fn::GetAtt": ["StubRole", "Arn"]},
        "Code": {"S3Bucket": function.code_bucket, "S3Key": function.code_key},
        "Environment": {"Variables": dict(function.environment)},
    }
    # Otherwise the first invocation would make the log group, without retention, and the stack could not.
    return _resource("Lambda::Function", properties, DependsOn=[log])


def _no_retries(function: str) -> Json:
    """An asynchronous caller's invocation is tried once: a second try would be a second run."""
    properties: Json = {"FunctionName": {"Ref": function}, "Qualifier": "$LATEST", "MaximumRetryAttempts": 0}
    return _resource("Lambda::EventInvokeConfig", properties)


def _parameter(parameter: Parameter, after: str) -> Json:
    properties: Json = {
        "Name": parameter.name,
        "Type": "String",
        "Value": {"Ref": after},
        "Description": parameter.description,
    }
    return _resource("SSM::Parameter", properties)


def _lifetime(policy: str) -> Mapping[str, str]:
    return {"DeletionPolicy": policy, "UpdateReplacePolicy": policy}
