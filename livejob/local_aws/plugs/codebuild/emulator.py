"""The only module that touches MiniStack's insides for CodeBuild. They are private, and pinned exactly.

`Account` gives the service what it needs of them, `install` puts the service in MiniStack's place.
tests/contract/test_ministack_internals.py names every inside that is used here, and fails when one of
them is another than in MINISTACK_VERSION.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator, responses
from ministack.services import codebuild, eventbridge, iam, sts

from livejob.clock import Clock
from livejob.local_aws.build_host.messages import Fields
from livejob.local_aws.plugs.codebuild.authorization import resource_of
from livejob.local_aws.plugs.codebuild.credentials import SESSION_S, Session
from livejob.local_aws.plugs.codebuild.events import SOURCE, Event, detail_text
from livejob.local_aws.plugs.codebuild.ports import Scope
from livejob.local_aws.plugs.codebuild.projects import (
    check_fields,
    fields_of_resource,
    keep_fields,
    kept_fields,
    refusal_text,
)
from livejob.local_aws.plugs.codebuild.record import id_of
from livejob.local_aws.plugs.codebuild.request import Refused
from livejob.local_aws.plugs.codebuild.service import CodeBuildService

MINISTACK_VERSION = "1.5.33"

PRINCIPAL = "codebuild.amazonaws.com"
RESOURCE_TYPE = "AWS::CodeBuild::Project"

Answer = tuple[int, dict[str, str], bytes]
Operation = Callable[[Fields], Fields | Answer]


class Account:
    """MiniStack's stores and services, as `ports.Records` and `ports.Surroundings` want them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def scope(self) -> Scope:
        return Scope(responses.get_account_id(), responses.get_region())

    def initiator(self) -> str:
        arn = str(iam_evaluator.caller_arn())
        kind, _, name = arn.rpartition(":")[2].partition("/")
        return name if kind == "assumed-role" else name.rpartition("/")[2] or "root"

    def project(self, name: str) -> Fields | None:
        found: Fields | None = codebuild._projects.get(name)
        return found

    def builds(self) -> Mapping[str, Fields]:
        return dict(codebuild._builds.items())

    def add_build(self, build: Fields) -> None:
        codebuild._builds[build["id"]] = build

    def may_assume(self, scope: Scope, role_arn: str, project_arn: str) -> bool:
        role = iam._roles.get_scoped(scope.account, None, role_arn.rpartition("/")[2])
        if role is None or role["Arn"] != role_arn:
            return False
        trust = role["AssumeRolePolicyDocument"]
        document = json.loads(trust) if isinstance(trust, str) else trust
        # MiniStack lets root stand for every service; what names another service must not count.
        statements = [each for each in _listed(document.get("Statement")) if _names_codebuild(each)]
        root = f"arn:aws:iam::{scope.account}:root"
        context = iam_evaluator.EvalContext(
            principal_arn=root,
            principal_type="Service",
            principal_account=scope.account,
            action="sts:AssumeRole",
            resource_arn=role_arn,
            region=scope.region,
            service_context={"aws:sourceaccount": scope.account, "aws:sourcearn": project_arn},
        )
        return bool(iam_evaluator.evaluate_trust_policy({"Statement": statements}, root, context))

    def open_session(self, scope: Scope, role_arn: str, name: str) -> Session:
        with responses.request_scope(scope.account, scope.region):
            role_name = role_arn.rpartition("/")[2]
            session = Session(
                access_key_id=iam._gen_session_access_key(),
                secret_access_key=secrets.token_urlsafe(30),
                token=secrets.token_urlsafe(90),
                role_arn=role_arn,
                expires_s=self._clock.now_ms() / 1000 + SESSION_S,
            )
            sts.register_session(
                session.access_key_id,
                {
                    "Arn": f"arn:aws:sts::{scope.account}:assumed-role/{role_name}/{name}",
                    "UserId": f"{sts._role_id(role_arn)}:{name}",
                    "SecretAccessKey": session.secret_access_key,
                    "SessionToken": session.token,
                    "Expiration": session.expires_s,
                    "AccountId": scope.account,
                    "PrincipalType": "AssumedRole",
                },
            )
            return session

    def put_events(self, scope: Scope, events: Sequence[Event]) -> None:
        with responses.request_scope(scope.account, scope.region):
            for event in events:
                entry = {
                    "Source": SOURCE,
                    "DetailType": event.detail_type,
                    "Detail": detail_text(event),
                    "Resources": [event.resource],
                }
                eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def install(service: CodeBuildService) -> None:
    """From here on MiniStack's CodeBuild is `service`. Once in a process."""
    plug = _Plug(service)
    plug.original_shape = codebuild._project_shape
    plug.original_request = codebuild.handle_request
    plug.original_resource_arn = iam_actions.extract_resource_arn
    codebuild._project_shape = plug.project_shape
    codebuild.handle_request = plug.handle_request
    iam_actions.extract_resource_arn = plug.resource_arn
    _wrap_cloudformation(plug)


class _Plug:
    """MiniStack's functions, with the service's in front."""

    original_shape: Callable[[Fields], Fields]
    original_request: Callable[..., Any]
    original_resource_arn: Callable[..., str]

    def __init__(self, service: CodeBuildService) -> None:
        self._service = service
        self._operations: dict[str, Operation] = {
            "StartBuild": service.start_build,
            "StopBuild": service.stop_build,
            "BatchGetBuilds": service.batch_get_builds,
            "BatchDeleteBuilds": self._batch_delete_builds,
            "CreateProject": self._create_project,
            "UpdateProject": self._update_project,
        }

    async def handle_request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Answer:
        operation = self._operations.get(headers.get("x-amz-target", "").rpartition(".")[2])
        if operation is None:
            answer: Answer = await self.original_request(method, path, headers, body, query)
            return answer
        return await asyncio.to_thread(_answer, operation, body)

    def project_shape(self, project: Fields) -> Fields:
        return {**self.original_shape(project), **kept_fields(project)}

    def resource_arn(
        self, service: str, method: str, path: str, headers: Any, body: bytes, *more: Any
    ) -> str:
        _, region, account = more
        return resource_of(service, headers, body, Scope(account, region)) or self.original_resource_arn(
            service, method, path, headers, body, *more
        )

    def _create_project(self, fields: Fields) -> Answer:
        check_fields(fields, None, self._service.check_role)
        return self._with_kept(codebuild._create_project, fields)

    def _update_project(self, fields: Fields) -> Answer:
        check_fields(fields, codebuild._projects.get(fields.get("name", "")), self._service.check_role)
        return self._with_kept(codebuild._update_project, fields)

    def _with_kept(self, operation: Callable[[Fields], Answer], fields: Fields) -> Answer:
        answer = operation(fields)
        project = codebuild._projects.get(fields.get("name", ""))
        if answer[0] != 200 or project is None:
            return answer
        keep_fields(project, fields)
        return responses.json_response({"project": self.project_shape(project)})  # type: ignore[no-any-return]

    def _batch_delete_builds(self, fields: Fields) -> Fields:
        ids = [id_of(each) for each in fields.get("ids", [])]
        running = [each for each in ids if self._service.is_running(each)]
        others = [each for each in ids if each not in running]
        answer: Fields = json.loads(codebuild._batch_delete_builds({"ids": others})[2])
        answer["buildsNotDeleted"] += [{"id": each, "statusCode": "BUILD_IN_PROGRESS"} for each in running]
        return answer

    def create_resource(
        self, create: Callable[..., Any], logical_id: str, properties: Fields, stack: str
    ) -> Any:
        fields = fields_of_resource(properties)
        self._check_resource(fields)
        name, attributes = create(logical_id, properties, stack)
        keep_fields(codebuild._projects[name], fields)
        return name, attributes

    def update_resource(self, update: Callable[..., Any], physical_id: str, *more: Any) -> Any:
        _, properties, _ = more
        fields = fields_of_resource(properties)
        self._check_resource(fields)
        name, attributes = update(physical_id, *more)
        keep_fields(codebuild._projects[name], fields)
        return name, attributes

    def _check_resource(self, fields: Fields) -> None:
        try:
            check_fields(fields, None, self._service.check_role)
        except Refused as refused:
            raise ValueError(refusal_text(refused)) from refused


def _wrap_cloudformation(plug: _Plug) -> None:
    """Wrap the provisioner of projects; loads MiniStack's CloudFormation with its first request only."""
    original = app.SERVICE_HANDLERS["cloudformation"]

    async def handler(*request: Any) -> Any:
        from ministack.services.cloudformation import provisioners

        provisioner = provisioners._RESOURCE_HANDLERS[RESOURCE_TYPE]
        create, update = provisioner["create"], provisioner["update"]
        provisioner["create"] = lambda *arguments: plug.create_resource(create, *arguments)
        provisioner["update"] = lambda *arguments: plug.update_resource(update, *arguments)
        app.SERVICE_HANDLERS["cloudformation"] = original
        return await original(*request)

    app.SERVICE_HANDLERS["cloudformation"] = handler


def _answer(operation: Operation, body: bytes) -> Answer:
    try:
        answer = operation(json.loads(body or b"{}"))
    except Refused as refused:
        return responses.error_response_json(refused.code, str(refused), 400)  # type: ignore[no-any-return]
    return answer if isinstance(answer, tuple) else responses.json_response(answer)


def _names_codebuild(statement: Fields) -> bool:
    principal = statement.get("Principal")
    return principal == "*" or (
        isinstance(principal, dict) and PRINCIPAL in _listed(principal.get("Service"))
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
