"""Where variables come from."""

from __future__ import annotations

import pytest

from livejob.local_aws.build_host.buildspec import Buildspec
from livejob.local_aws.build_host.messages import Variable, read_command, start_line
from livejob.local_aws.build_host.variables import SecretName, wanted_variables
from tests.support.build_host import a_build_order

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:name-AbCdEf"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("name", SecretName("name", "", "", "")),
        ("name:key", SecretName("name", "key", "", "")),
        ("name::AWSPREVIOUS", SecretName("name", "", "AWSPREVIOUS", "")),
        ("name:key::id", SecretName("name", "key", "", "id")),
        (ARN, SecretName(ARN, "", "", "")),
        (f"{ARN}:key:stage:id", SecretName(ARN, "key", "stage", "id")),
    ],
)
def test_secrets_are_spelled_as_in_codebuild(text: str, name: SecretName) -> None:
    """Id, JSON key, stage and version; an ARN holds colons of its own."""
    assert name == SecretName.read(text)


def test_order_goes_before_the_buildspec_whatever_the_type() -> None:
    """A plain variable of the call takes the place of a looked-up one of the buildspec."""
    spec = Buildspec(variables={"A": "1"}, parameter_store={"B": "/b"}, secrets_manager={"C": "c"})
    order = a_build_order(variables=(Variable("B", "plain"),))

    wanted = wanted_variables(spec, order)

    assert {
        "A": Variable("A", "1"),
        "B": Variable("B", "plain"),
        "C": Variable("C", "c", "SECRETS_MANAGER"),
    } == wanted


def test_order_survives_its_way_to_the_host() -> None:
    """What is read from the line is what was written, token included; its text form hides the token."""
    order = a_build_order(variables=(Variable("A", "ö\n"),), credentials_token="secret")

    assert order == read_command(start_line(order))
    assert "secret" not in repr(order)
