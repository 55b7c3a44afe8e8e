"""`Job`: a function or a command that may run for hours, as a CDK construct with SST's props in Python
spelling."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypedDict, TypeGuard

from aws_cdk import Fn, aws_ec2, aws_iam, aws_lambda, aws_secretsmanager, aws_ssm
from constructs import Construct, IConstruct

from livejob.deploy.template import logical_id
from livejob.wire.names import ENV_APP, ENV_STAGE, invoker_env
from livejob_infra.code import Source
from livejob_infra.permissions import Permission, give
from livejob_infra.props import ContainerProps, CopyFile, JobProps, check_environment, invalid, job_spec
from livejob_infra.resources import Resource
from livejob_infra.stage import LivejobStage
from livejob_infra.vpc import network_of

Config = aws_ssm.IStringParameter | aws_secretsmanager.ISecret
"""One entry of `config`. The construct's id is the name of the environment variable."""

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class JobCdk(TypedDict, total=False):
    """What is said of the resources themselves.

    id:              of the construct; the job is called by its own id all the same.
    role:            the runs' role, in place of one that is made. CodeBuild must be able to assume it.
    vpc:             where the runs are; they need a NAT or endpoints there to reach AWS.
    vpc_subnets:     which of its subnets. Default: the private ones.
    security_groups: default: a new one, which lets everything out and nothing in.
    """

    id: str
    role: aws_iam.IRole
    vpc: aws_ec2.IVpc
    vpc_subnets: aws_ec2.SubnetSelection
    security_groups: Sequence[aws_ec2.ISecurityGroup]


class Job(Construct):
    """A job in a `LivejobStage`: invoker, CodeBuild project, role, parameter, log groups.

    Attributes:
        name:           what `livejob run` and `Job.run` call it: the construct's id.
        invoker_name, invoker_arn: the function that callers invoke.
        parameter_name: SSM parameter that holds the invoker's name.
        project_name, project_arn: the CodeBuild project.
        role:           what a run may do.
    """

    def __init__(  # noqa: PLR0913 - SST's props, all of them by name
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's word
        *,
        handler: str,
        src_path: str = ".",
        runtime: str | None = None,
        architecture: str = "x86_64",
        memory_size: str = "3 GB",
        timeout: str | int = "8 hours",
        config: Sequence[Config] = (),
        permissions: Sequence[Permission] = (),
        bind: Sequence[IConstruct] = (),
        environment: Mapping[str, str] | None = None,
        copy_files: Sequence[CopyFile] = (),
        container: ContainerProps | None = None,
        log_retention: str | None = None,
        enable_live_dev: bool = True,
        retries: int | None = None,
        backoff: str | int | None = None,
        queue_timeout: str | int | None = None,
        cdk: JobCdk | None = None,
    ) -> None:
        """
        handler:         `path/to/file.function`, relative to src_path; of a container job the directory of
                         its Dockerfile.
        src_path:        directory of the source, relative to where the CDK app runs.
        runtime:         `python3.9` to `python3.14`; `container`.
        architecture:    `x86_64` or `arm_64`.
        memory_size:     `3 GB`, `7 GB`, `15 GB`, `70 GB`, `145 GB`; on ARM `4 GB`, `8 GB`, `16 GB`, `64 GB`,
                         `96 GB`, and `3 GB` and `15 GB` for the first and third of them.
        timeout:         `5 minutes` to `36 hours`.
        config:          SSM parameters and secrets that a run finds in its environment, by their ids.
        permissions:     see `livejob_infra.permissions`.
        bind:            constructs to work with: each goes where it belongs, to config or permissions.
        environment:     more variables, by name.
        container:       of a container job: its command and how its image is built, see ContainerProps.
        log_retention:   `one_day` to `ten_years`; None is two weeks.
        enable_live_dev: taken for SST's sake. A stage that the CDK deploys has no stub: its jobs run on
                         CodeBuild. `livejob start` makes development stages.
        retries, backoff, queue_timeout: as `@job` has them; not SST's.

        Raises:
            JobSpecInvalid: a prop out of its limits; the message says which and what is allowed.
        """
        options = cdk or JobCdk()
        super().__init__(scope, options.get("id", id))
        props = JobProps(
            handler, src_path, runtime, architecture, memory_size, timeout, environment, copy_files,
            container, log_retention, retries, backoff, queue_timeout,
        )  # fmt: skip
        _check_options(id, options, enable_live_dev)
        self._stage = LivejobStage.around(self)
        self._source = Source.of(src_path, copy_files)
        self._spec = job_spec(id, props)
        self._logical_id = f"Job{logical_id(id)}"
        self._config: dict[str, Config] = {}
        self._network = network_of(self, id, options)
        self._given_role = options.get("role")
        self._policies: list[Resource] = []
        self._set_attributes(id)
        self._put()
        self.role = self._given_role or self._made_role()
        if self._given_role is not None:
            self._furnish(self._given_role)
        self._add_config(config)
        self.attach_permissions(permissions)
        self.bind(bind)

    def attach_permissions(self, permissions: Sequence[Permission]) -> None:
        """Permit more to the runs.

        Raises:
            JobSpecInvalid: an entry that is no permission.
        """
        for each in permissions:
            give(self.name, self.role, each)

    def bind(self, constructs: Sequence[IConstruct]) -> None:
        """Let the runs work with constructs: parameters and secrets as `config`, others as `permissions`;
        another job with its invoker's name in the environment.

        Raises:
            JobSpecInvalid: a construct that stands for no permission.
        """
        for each in constructs:
            if isinstance(each, Job):
                self.attach_permissions([each])
                self._set_environment({invoker_env(each.name): each.invoker_name})
            elif _is_config(each):
                self._add_config([each])
            else:
                self.attach_permissions([each])

    def add_environment(self, name: str, value: str) -> None:
        """Set one more variable of the runs.

        Raises:
            JobSpecInvalid: a name that is not allowed.
        """
        check_environment(self.name, {name: value})
        self._set_environment({name: value})

    def grant_run(self, grantee: aws_iam.IGrantable) -> aws_iam.Grant:
        """Let `grantee` start, cancel and look at runs: invoke this one invoker, and read its name.

        A Lambda function gets into its environment what `Job.run` looks for there: app, stage
        and the invoker's name, which saves the look-up.
        """
        if isinstance(grantee, aws_lambda.Function):
            names = self._stage.names
            grantee.add_environment(ENV_APP, names.app)
            grantee.add_environment(ENV_STAGE, names.stage)
            grantee.add_environment(invoker_env(self.name), self.invoker_name)
        read = aws_iam.Grant.add_to_principal(
            grantee=grantee, actions=["ssm:GetParameter"], resource_arns=[self.parameter_arn]
        )
        invoke = aws_iam.Grant.add_to_principal(
            grantee=grantee, actions=["lambda:InvokeFunction"], resource_arns=[self.invoker_arn]
        )
        return read.combine(invoke)

    def _set_attributes(self, id_: str) -> None:
        names, arn = self._stage.names, self._stage.arn
        self.name = id_
        self.invoker_name = names.invoker(id_)
        self.invoker_arn = arn("lambda", f"function:{self.invoker_name}")
        self.parameter_name = names.invoker_parameter(id_)
        self.parameter_arn = arn("ssm", f"parameter{self.parameter_name}")
        self.project_name = names.project(id_)
        self.project_arn = arn("codebuild", f"project/{self.project_name}")

    def _set_environment(self, variables: Mapping[str, str]) -> None:
        self._spec = replace(self._spec, environment={**self._spec.environment, **variables})
        self._put()

    def _add_config(self, config: Sequence[Config]) -> None:
        for each in config:
            if not _is_config(each):
                raise invalid(
                    f"Invalid config for the {self.name} Job: a {type(each).__name__}.",
                    "Give SSM parameters (StringParameter) and secrets (Secret); their ids are the names.",
                )
            if not _ENV_NAME.fullmatch(each.node.id):
                raise invalid(
                    f"Invalid config for the {self.name} Job: {each.node.id!r} is no variable's name.",
                    "Give the parameter or secret an id of letters, digits and _.",
                )
            each.grant_read(self.role)
            self._config[each.node.id] = each
        if config:
            self._put()

    def _put(self) -> None:
        self._stage.put(self._spec, self._source, self._change)

    def _change(self, resources: dict[str, Resource]) -> None:
        """What the model does not know: config, VPC, a role of the author's."""
        project = resources[f"{self._logical_id}Project"]["Properties"]
        project["Environment"]["EnvironmentVariables"] += [
            {"Name": name, **_variable(each)} for name, each in self._config.items()
        ]
        policies = resources[f"{self._logical_id}Role"]["Properties"]["Policies"]
        if self._network is not None:
            project["VpcConfig"] = self._network.properties
            policies.append(self._network.policy(self._stage.arn))
        if self._given_role is not None:
            self._policies = policies
            project["ServiceRole"] = self._given_role.role_arn
            del resources[f"{self._logical_id}Role"]

    def _made_role(self) -> aws_iam.IRole:
        return aws_iam.Role.from_role_name(self, "Role", Fn.ref(f"{self._logical_id}Role"))

    def _furnish(self, role: aws_iam.IRole) -> None:
        """Give the author's role what a run needs, which the role in its place would have had."""
        for policy in self._policies:
            for statement in policy["PolicyDocument"]["Statement"]:
                role.add_to_principal_policy(aws_iam.PolicyStatement.from_json(statement))


def _check_options(id_: str, options: JobCdk, enable_live_dev: object) -> None:
    for key in options.keys() - JobCdk.__annotations__.keys():
        raise invalid(
            f"Invalid cdk value for the {id_} Job: {key!r}.",
            f"Known are {', '.join(JobCdk.__annotations__)}.",
        )
    if not isinstance(enable_live_dev, bool):
        raise invalid(
            f"Invalid enable_live_dev value for the {id_} Job: {enable_live_dev!r}.", "Use True or False."
        )


def _is_config(construct: object) -> TypeGuard[Config]:
    return hasattr(construct, "parameter_arn") or hasattr(construct, "secret_arn")


def _variable(config: Config) -> Mapping[str, str]:
    """CodeBuild reads the value when a build starts. Source: CodeBuild, EnvironmentVariable."""
    if hasattr(config, "secret_arn"):
        return {"Type": "SECRETS_MANAGER", "Value": config.secret_arn}
    return {"Type": "PARAMETER_STORE", "Value": config.parameter_name}
