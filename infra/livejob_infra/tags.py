"""Marks a stage's resources with what they belong to, as `livejob deploy` marks its stack.

A CDK stack may hold other things as well, so each resource carries the tags itself. Knows nothing of jobs.
"""

from __future__ import annotations

from collections.abc import Mapping

from livejob_infra.resources import Resource

_AS_LIST = frozenset(
    {
        "AWS::CodeBuild::Project",
        "AWS::DynamoDB::Table",
        "AWS::Events::Rule",
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
    }
)
_AS_TABLE = frozenset({"AWS::SSM::Parameter"})
"""Source: CloudFormation, property `Tags` of each type; the types that are in neither have none."""


def tagged(resources: Mapping[str, Resource], tags: Mapping[str, str]) -> dict[str, Resource]:
    """The resources with tags, those that can have any; what they have of their own stays."""
    return {name: _tagged(resource, tags) for name, resource in resources.items()}


def _tagged(resource: Resource, tags: Mapping[str, str]) -> Resource:
    properties = resource["Properties"]
    if resource["Type"] in _AS_LIST:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        return {**resource, "Properties": {**properties, "Tags": [*properties.get("Tags", []), *listed]}}
    if resource["Type"] in _AS_TABLE:
        return {**resource, "Properties": {**properties, "Tags": {**properties.get("Tags", {}), **tags}}}
    return resource
