"""What a stage keeps things in, and its roles, as CloudFormation JSON. Called by `template`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from livejob.deploy.resources import Bucket, LogGroup, Role, Table, Trust

Json = dict[str, object]


def resource(kind: str, properties: Json, **attributes: object) -> Json:
    """One entry of a template's Resources. kind: without `AWS::`."""
    return {"Type": f"AWS::{kind}", "Properties": properties, **attributes}


def table_resource(table: Table) -> Json:
    """A DynamoDB table that is paid by use, encrypted and can be set back in time."""
    properties: Json = {
        "TableName": table.name,
        "BillingMode": "PAY_PER_REQUEST",
        **table.schema,
        "TimeToLiveSpecification": {"AttributeName": table.ttl_attribute, "Enabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"SSEEnabled": True},
    }
    return resource("DynamoDB::Table", properties, **_lifetime(table.is_kept))


def bucket_resources(name: str, bucket: Bucket) -> Json:
    """A bucket with its policy. name: its logical id."""
    properties: Json = {
        "BucketName": bucket.name,
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
            ]
        },
        "LifecycleConfiguration": {"Rules": _expiry_rules(bucket)},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
    }
    return {
        name: resource("S3::Bucket", properties, **_lifetime(bucket.is_kept)),
        f"{name}Policy": resource("S3::BucketPolicy", _tls_only(name, bucket)),
    }


def log_group_resource(group: LogGroup) -> Json:
    """A log group with its retention."""
    properties: Json = {"LogGroupName": group.name}
    if group.days is not None:
        properties["RetentionInDays"] = group.days
    return resource("Logs::LogGroup", properties, **_lifetime(False))


def role_resource(role: Role, policy: str) -> Json:
    """A role with one inline policy of that name; without statements it has none."""
    properties: Json = {
        "RoleName": role.name,
        "MaxSessionDuration": role.session_s,
        "AssumeRolePolicyDocument": _policy([_trust(each) for each in role.trusts]),
    }
    if role.statements:  # a policy document without a statement is not valid
        document = _policy(role.statements)
        properties["Policies"] = [{"PolicyName": policy, "PolicyDocument": document}]
    return resource("IAM::Role", properties)


def _expiry_rules(bucket: Bucket) -> list[Json]:
    rules: list[Json] = [
        {"Id": f"expire-{prefix.strip('/')}", "Prefix": prefix, "ExpirationInDays": days, "Status": "Enabled"}
        for prefix, days in bucket.expiry_days.items()
    ]
    aborts: Json = {
        "Id": "abort-uploads",
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        "Status": "Enabled",
    }
    return [*rules, aborts]


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


def _trust(trust: Trust) -> Json:
    statement: Json = {"Effect": "Allow", "Principal": dict(trust.principal), "Action": "sts:AssumeRole"}
    if trust.condition:
        statement["Condition"] = {test: dict(values) for test, values in trust.condition.items()}
    return statement


def _policy(statements: Sequence[Mapping[str, object]]) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _lifetime(is_kept: bool) -> Mapping[str, str]:
    """Kept: whatever happens to the stack, unless it was never made whole."""
    if is_kept:
        return {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
    return {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}
