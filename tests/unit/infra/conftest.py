"""livejob_infra imports the CDK: `scripts/infra test` runs these tests too; without it they are left out."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("aws_cdk") else ["test_*.py"]
