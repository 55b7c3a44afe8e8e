"""What a stage executes, as CloudFormation JSON: functions, projects, and what starts them. Called by
`template`. Pure."""

from __future__ import annotations

import json

from livejob.deploy.resources import Function, Parameter, Project, Rule
from livejob.deploy.template_storage import Json, resource


def function_resource(function: Function, role: str, log: str) -> Json:
    """role, log: logical ids of its role and its log group."""
    properties: Json = {
        "FunctionName": function.name,
        "Handler": function.code.handler,
        "Runtime": function.runtime,
        "MemorySize": function.memory_mb,
        "Timeout": function.timeout_s,
        "Role": {"Fn::GetAtt": [role, "Arn"]},
        "Code": {"S3Bucket": function.code.bucket, "S3Key": function.code.key},
        "Environment": {"Variables": dict(function.environment)},
    }
    # Otherwise the first invocation would make the log group, without retention, and the stack could not.
    return resource("Lambda::Function", properties, DependsOn=[log])


def no_retries(function: str) -> Json:
    """An asynchronous caller's invocation is tried once: a second try would be a second run."""
    properties: Json = {"FunctionName": {"Ref": function}, "Qualifier": "$LATEST", "MaximumRetryAttempts": 0}
    return resource("Lambda::EventInvokeConfig", properties)


def parameter_resource(parameter: Parameter, after: str) -> Json:
    """A parameter with the name of the function whose logical id is `after`."""
    properties: Json = {
        "Name": parameter.name,
        "Type": "String",
        "Value": {"Ref": after},
        "Description": parameter.description,
    }
    return resource("SSM::Parameter", properties)


def project_resource(project: Project, role: str, log: str) -> Json:
    """role, log: logical ids of its role and its log group."""
    properties: Json = {
        "Name": project.name,
        "Description": project.description,
        "ServiceRole": {"Fn::GetAtt": [role, "Arn"]},
        "Source": {"Type": "S3", "Location": project.source, "BuildSpec": _buildspec(project)},
        "Artifacts": {"Type": "NO_ARTIFACTS"},
        "Environment": {
            "Type": project.environment_type,
            "ComputeType": project.compute_type,
            "Image": project.image,
            "ImagePullCredentialsType": "CODEBUILD",
            "EnvironmentVariables": [
                {"Name": name, "Value": value, "Type": "PLAINTEXT"}
                for name, value in sorted(project.environment.items())
            ],
        },
        "TimeoutInMinutes": project.timeout_minutes,
        "QueuedTimeoutInMinutes": project.queue_minutes,
        "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": {"Ref": log}}},
    }
    return resource("CodeBuild::Project", properties)


def rule_resource(rule: Rule, function: str) -> Json:
    """function: logical id of what the rule calls."""
    properties: Json = {
        "Name": rule.name,
        "Description": rule.description,
        "State": "ENABLED",
        **_when(rule),
        "Targets": [{"Id": "function", "Arn": {"Fn::GetAtt": [function, "Arn"]}}],
    }
    return resource("Events::Rule", properties)


def _when(rule: Rule) -> Json:
    if rule.pattern is None:
        return {"ScheduleExpression": rule.schedule}
    return {"EventPattern": dict(rule.pattern)}


def events_permission(function: str, rule: str) -> Json:
    """Lets one rule call one function; both logical ids."""
    properties: Json = {
        "FunctionName": {"Ref": function},
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": {"Fn::GetAtt": [rule, "Arn"]},
    }
    return resource("Lambda::Permission", properties)


def _buildspec(project: Project) -> str:
    """JSON is YAML, and has one way to write a text."""
    spec = {"version": 0.2, "phases": {"build": {"commands": list(project.commands)}}}
    return json.dumps(spec, separators=(",", ":"))
