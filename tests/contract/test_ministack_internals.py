"""What livejob's plugs use of MiniStack's insides: private names that a new version may change.

When this fails after the pin has moved, read MiniStack's changes to the names below, adapt
livejob/local_aws/plugs/*/emulator.py, and set MINISTACK_VERSION of CodeBuild's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
from ministack import app
from ministack.core import iam_actions, iam_evaluator, responses, router
from ministack.services import codebuild, ecr, eventbridge, iam, sts
from ministack.services.cloudformation import provisioners

from livejob.local_aws.plugs.codebuild.emulator import MINISTACK_VERSION, RESOURCE_TYPE

FUNCTIONS: list[tuple[Callable[..., Any], list[str]]] = [
    (codebuild.handle_request, ["method", "path", "headers", "body", "query_params"]),
    (codebuild._create_project, ["data"]),
    (codebuild._update_project, ["data"]),
    (codebuild._batch_delete_builds, ["data"]),
    (codebuild._project_shape, ["project"]),
    (eventbridge._put_events, ["data", "allow_aws_source"]),
    (iam._gen_session_access_key, []),
    (sts.register_session, ["access_key", "session"]),
    (sts._role_id, ["role_arn"]),
    (iam_evaluator.caller_arn, []),
    (iam_evaluator.evaluate_trust_policy, ["trust_doc", "caller_arn", "ctx"]),
    (
        iam_actions.extract_resource_arn,
        ["service", "method", "path", "headers", "body", "query_params", "region", "account_id"],
    ),
    (responses.request_scope, ["account_id", "region"]),
    (responses.get_account_id, []),
    (responses.get_region, []),
    (responses.json_response, ["data", "status", "content_type"]),
    (
        responses.error_response_json,
        ["code", "message", "status", "extra", "message_key", "content_type"],
    ),
    (ecr.handle_request, ["method", "path", "headers", "body", "query_params"]),
    (ecr._repo_uri, ["name"]),
    (ecr._find_image, ["repo_name", "image_id"]),
    (ecr._put_image, ["data"]),
    (ecr._describe_images, ["data"]),
    (ecr._delete_repository, ["data"]),
    (ecr._get_download_url_for_layer, ["data"]),
    (ecr._batch_check_layer_availability, ["data"]),
    (ecr.repository_policy_for_arn, ["resource_arn"]),
    (router.extract_access_key_id, ["headers", "query_params"]),
    (iam_evaluator.resolve_principal, ["access_key_id", "account_id", "credential"]),
    (iam_evaluator.evaluate, ["ctx", "policies", "limits"]),
    (
        iam_evaluator.combine_resource_policy,
        ["identity", "ctx", "policy", "owner_account", "required", "limits"],
    ),
    (provisioners._codebuild_project_create, ["logical_id", "props", "stack_name"]),
    (provisioners._codebuild_project_update, ["physical_id", "old_props", "new_props", "stack_name"]),
]


def test_version_is_the_one_that_the_plug_was_written_for() -> None:
    """The plug names the version whose insides it knows, and that is the one installed."""
    assert MINISTACK_VERSION == version("ministack")


@pytest.mark.parametrize(
    ("function", "parameters"), FUNCTIONS, ids=lambda each: getattr(each, "__name__", "")
)
def test_functions_take_what_the_plug_gives(function: Callable[..., Any], parameters: list[str]) -> None:
    """Every function that the plug calls or stands in for has the parameters that it counts on."""
    assert parameters == list(inspect.signature(function).parameters)


def test_stores_are_scoped_by_account_and_region() -> None:
    """The stores of builds, projects, images and roles are MiniStack's scoped dictionaries."""
    stores = {
        *(type(codebuild._builds), type(codebuild._projects), type(iam._roles)),
        *(type(ecr._repositories), type(ecr._images)),
    }

    assert {responses.AccountRegionScopedDict, responses.AccountScopedDict} == stores


def test_services_are_looked_up_where_the_plug_puts_itself() -> None:
    """Requests reach a service by its handler in this table, projects of stacks by that one."""
    assert {"codebuild", "cloudformation", "ecr"} <= app.SERVICE_HANDLERS.keys()
    assert {"create", "update"} <= provisioners._RESOURCE_HANDLERS[RESOURCE_TYPE].keys()


def test_trust_is_evaluated_with_what_the_plug_tells() -> None:
    """The context of an evaluation has the fields that the plugs fill."""
    fields = inspect.signature(iam_evaluator.EvalContext).parameters

    assert {
        "principal_arn",
        "principal_type",
        "principal_account",
        "action",
        "resource_arn",
        "region",
        "service_context",
        "principal_keys",
    } <= fields.keys()
