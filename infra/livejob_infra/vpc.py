"""A job's place in a VPC: what its CodeBuild project says of it, and what its role needs for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_ec2
from constructs import Construct

from livejob_infra.props import invalid
from livejob_infra.resources import Resource

_INTERFACES = (
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)
"""Source: CodeBuild user guide, 'Allow CodeBuild access to AWS services required to create a VPC network
interface', which has them on every resource."""


@dataclass(frozen=True, slots=True)
class Network:
    """VPC, subnets and security groups, by their ids."""

    vpc_id: str
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]

    @property
    def properties(self) -> Resource:
        """VpcConfig of a CodeBuild project."""
        return {
            "VpcId": self.vpc_id,
            "Subnets": list(self.subnet_ids),
            "SecurityGroupIds": list(self.security_group_ids),
        }

    def policy(self, arn: Callable[[str, str], str]) -> Resource:
        """An inline policy for the project's role. arn: of a service's resource."""
        interface = arn("ec2", "network-interface/*")
        subnets = [arn("ec2", f"subnet/{each}") for each in self.subnet_ids]
        statements: list[Resource] = [
            {"Effect": "Allow", "Action": list(_INTERFACES), "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": "ec2:CreateNetworkInterfacePermission",
                "Resource": interface,
                "Condition": {
                    "StringEquals": {
                        "ec2:AuthorizedService": "codebuild.amazonaws.com",
                        "ec2:Subnet": subnets,
                    }
                },
            },
        ]
        return {"PolicyName": "Vpc", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}


def network_of(scope: Construct, id_: str, options: Mapping[str, Any]) -> Network | None:
    """The network that the options of a job name; None without a VPC.

    Raises:
        JobSpecInvalid: subnets or security groups without a VPC, or a VPC without such subnets.
    """
    vpc: aws_ec2.IVpc | None = options.get("vpc")
    if vpc is None:
        for option in ("security_groups", "vpc_subnets"):
            if options.get(option) is not None:
                raise invalid(f"The {id_} Job has {option} and no vpc.", f'Give cdk["vpc"] with {option}.')
        return None
    chosen = options.get("vpc_subnets") or aws_ec2.SubnetSelection(
        subnet_type=aws_ec2.SubnetType.PRIVATE_WITH_EGRESS
    )
    subnets = vpc.select_subnets(
        availability_zones=chosen.availability_zones,
        one_per_az=chosen.one_per_az,
        subnet_filters=chosen.subnet_filters,
        subnet_group_name=chosen.subnet_group_name,
        subnets=chosen.subnets,
        subnet_type=chosen.subnet_type,
    )
    groups = options.get("security_groups") or [_new_group(scope, id_, vpc)]
    return Network(
        vpc_id=vpc.vpc_id,
        subnet_ids=tuple(subnets.subnet_ids),
        security_group_ids=tuple(each.security_group_id for each in groups),
    )


def _new_group(scope: Construct, id_: str, vpc: aws_ec2.IVpc) -> aws_ec2.SecurityGroup:
    return aws_ec2.SecurityGroup(scope, "SecurityGroup", vpc=vpc, description=f"Runs of the job {id_}")
