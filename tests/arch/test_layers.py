"""What the rooms import. (Their layers are a contract of import-linter, checked by `make check`.)"""

import sys

import grimp
import pytest

AWS_SDK = {"boto3", "botocore"}


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph(
        "livejob", include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None
    )


@pytest.mark.parametrize(
    ("room", "allowed"),
    [
        ("livejob.stub_lambda", AWS_SDK),
        ("livejob.sdk", AWS_SDK),
        ("livejob.runner", set()),
        ("livejob.local_runner.supervisor", set()),
        ("livejob.wire", set()),
    ],
)
def test_room_needs_only_what_its_place_has(imports: grimp.ImportGraph, room: str, allowed: set[str]) -> None:
    """What runs in a Lambda has boto3 beside the standard library; what runs in a worker has nothing."""
    needed = imports.find_upstream_modules(room, as_package=True)

    third_party = {name for name in needed if not name.startswith("livejob")} - set(sys.stdlib_module_names)
    assert set() == third_party - allowed


def test_product_knows_nothing_of_its_tests(imports: grimp.ImportGraph) -> None:
    """Nothing but tests imports what is shipped for tests."""
    shipped = imports.find_descendants("livejob.testing") | {"livejob.testing"}

    importers = {name for module in shipped for name in imports.find_modules_that_directly_import(module)}
    assert set() == importers - shipped


def test_product_knows_nothing_of_its_constructs(imports: grimp.ImportGraph) -> None:
    """The CDK's constructs are a layer above: whoever has no CDK app has nothing of it."""
    assert set() == {"livejob_infra", "aws_cdk", "constructs"} & imports.modules
