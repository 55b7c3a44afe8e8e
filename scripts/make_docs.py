"""Writes the pages of docs/ that are made from the code: settings, errors, states of a run, permissions.

`make docs` runs it; with `--check` it changes nothing and exits 1 when a page is not current.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from livejob.deploy.developer_permissions import deployer_policy, developer_statements
from livejob.deploy.permissions import (
    build_statements,
    container_statements,
    invoker_statements,
    put_inputs,
    read_payloads,
    reconciler_statements,
    stub_statements,
)
from livejob.errors import LivejobError
from livejob.project.settings import Settings, setting_rows
from livejob.wire import states
from livejob.wire.names import StageNames, artifacts_bucket, bundle_key, invoker_env
from livejob.wire.states import OPEN, TRANSITIONS, Input, State

DOCS = Path(__file__).parents[1] / "docs"
MADE = "<!-- Made by `make docs`. Change the source, not this page. -->\n"


def main() -> None:
    is_check = sys.argv[1:] == ["--check"]
    pages = {
        "permissions.md": permissions_page(),
        "settings.md": settings_page(),
        "states.md": states_page(),
        "troubleshooting.md": errors_page(),
    }
    stale = [name for name, text in pages.items() if _current(DOCS / name) != text]
    if is_check and stale:
        sys.exit(f"not current: {', '.join(f'docs/{name}' for name in stale)}; run `make docs`")
    for name in stale:
        (DOCS / name).write_text(pages[name])


def settings_page() -> str:
    """docs/settings.md, from the table in project/settings.py."""
    defaults = {each.name: each.default for each in fields(Settings)}
    lines = [
        MADE,
        "# Settings",
        "",
        "Each setting is looked for in this order: flag, environment, `livejob.toml`, default. The first",
        "that has it wins. `livejob config` shows every value and where it comes from.",
        "",
        "| in livejob.toml | flag | environment | default | |",
        "|---|---|---|---|---|",
    ]
    for row in setting_rows():
        default = defaults[row.name]
        cells = (
            f"`{row.name}`" if row.is_in_file else "",
            f"`{row.flag}`" if row.flag else "",
            ", ".join(f"`{name}`" for name in row.env),
            "" if row.is_required or default is None else f"`{default}`",
            row.doc + (" **Required.**" if row.name == "app" else ""),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def errors_page() -> str:
    """docs/troubleshooting.md, from the classes in errors.py."""
    lines = [
        MADE,
        "# When something is wrong",
        "",
        "Every error has a stable code, says what happened, and names what mends it. `--debug` adds the",
        "traceback. Words in braces are filled in by the message you see.",
    ]
    for family in LivejobError.__subclasses__():
        lines += [
            "",
            f"## {family.code[:-2]}xx: {_sentence(family)}",
            "",
            "| code | what happened | what to do |",
        ]
        lines += ["|---|---|---|"]
        for cls in _tree(family):
            if cls is not family or cls.remedy_template:
                remedy = cls.remedy_template.replace("|", "\\|")
                lines.append(f"| {cls.code} `{cls.__name__}` | {_sentence(cls)} | {remedy} |")
    return "\n".join([*lines, ""])


def states_page() -> str:
    """docs/states.md, from the table in wire/states.py."""
    comments = _state_comments()
    lines = [
        MADE,
        "# The states of a run",
        "",
        "A run is in one of these states. What may happen in which one is a single table in",
        "`livejob/wire/states.py`; whatever is not in it is refused, and the run stays as it is.",
        "",
        "| state | | |",
        "|---|---|---|",
    ]
    lines += [
        f"| {state} | {'open' if state in OPEN else 'ended'} | {comments.get(state.name, '')} |"
        for state in State
    ]
    lines += ["", "| what happens | " + " | ".join(OPEN_IN_ORDER) + " |"]
    lines.append("|---|" + "---|" * len(OPEN_IN_ORDER))
    for what in Input:
        cells = [TRANSITIONS.get((state, what), "") for state in OPEN_IN_ORDER]
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
    lines += ["", "In a state that has ended, nothing may happen any more."]
    return "\n".join([*lines, ""])


def permissions_page() -> str:
    """docs/permissions.md, from the policies that the code itself uses."""
    account, region, names, job = "123456789012", "us-east-1", StageNames("shop", "mia"), "Resize"
    invoker = f"arn:aws:lambda:{region}:{account}:function:{names.invoker(job)}"
    parameter = f"arn:aws:ssm:{region}:{account}:parameter{names.invoker_parameter(job)}"
    caller = [
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": invoker},
        {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": parameter},
    ]
    production = StageNames("shop", "prod")
    bundles = f"{artifacts_bucket(account, region)}/{bundle_key('*')}"
    place = (production, account, region)
    repository = f"arn:aws:ecr:{region}:{account}:repository/{production.repository}"
    return PERMISSIONS.format(
        made=MADE,
        names=names,
        job=job,
        account=account,
        region=region,
        variable=invoker_env(job),
        job_role=names.job_role(job),
        caller=_policy(caller),
        stub=_policy(stub_statements(names, account, region)),
        developer=_policy(developer_statements(account, region)),
        production=production,
        build=_policy(build_statements(production, account, region, job, bundles)),
        container=_policy(container_statements(production, account, region, job, repository)),
        invoker=_policy(invoker_statements(production, account, region)),
        put_inputs=_policy([put_inputs(*place)]),
        reconciler=_policy(reconciler_statements(production, account, region)),
        packing=_policy(
            [read_payloads(production, account, region), put_inputs(production, account, region)]
        ),
        deployer=_document(deployer_policy(account, region)),
    )


PERMISSIONS = """\
{made}
# Permissions

Who may do what, for an app `{names.app}` with a stage `{names.stage}` and a job `{job}`, in account
{account} and region {region}.

## A caller

Whoever starts, follows and cancels runs needs to invoke one function. The second statement is for finding
its name; with `{variable}` in the environment it is not needed.

{caller}
## A job

The role `{job_role}` has what the job's `permissions=` say and nothing else. Developers with the policy
below may assume it; that is how a run on their machine has the same permissions.

## The stub

The invokers of a development stage share the role `{names.stub_role}`:

{stub}
## A developer

For `livejob start`, which deploys development stages and attaches to them. The local AWS gives its own
developer exactly this, so a permission that is missing shows there first. It includes making roles and
becoming them: give it to people who may do so anyway, or put a permissions boundary on `iam:CreateRole`.

{developer}
## Whoever deploys

For `livejob deploy`, beside what a developer may; also for development stages with a job that has
`when_disconnected="run"`. The local AWS gives its developer this as well.

{deployer}
# A production stage

Here of stage `{production.stage}`. Only CodeBuild may assume a job's role, for the job's own project.

## A job, in a build

What `permissions=` say, and what the runner needs, which works under the same role:

{build}
## A container job, in a build

What `permissions=` say, and what CodeBuild itself needs to fetch image and payload. Nothing of livejob works
under this role:

{container}
## The invokers of the stage

They share the role `{production.invoker_role}`:

{invoker}
With container jobs in the stage, in addition:

{put_inputs}
## The reconciler of the stage

{reconciler}
With container jobs in the stage, in addition, for their further attempts:

{packing}"""


def _policy(statements: Sequence[Mapping[str, object]]) -> str:
    return _document({"Version": "2012-10-17", "Statement": list(statements)})


def _document(document: Mapping[str, object]) -> str:
    return f"```json\n{json.dumps(document, indent=2)}\n```\n"


OPEN_IN_ORDER = tuple(state for state in State if state in OPEN)


def _state_comments() -> dict[str, str]:
    """What the source says behind each state."""
    comments = {}
    for line in inspect.getsource(states.State).splitlines():
        name, _, comment = line.partition("#")
        if comment:
            comments[name.split("=")[0].strip()] = comment.strip()
    return comments


def _sentence(cls: type[LivejobError]) -> str:
    return (cls.__doc__ or "").split("\n\n")[0].replace("\n    ", " ").replace("|", "\\|")


def _tree(cls: type[LivejobError]) -> Iterator[type[LivejobError]]:
    yield cls
    for below in cls.__subclasses__():
        yield from _tree(below)


def _current(page: Path) -> str | None:
    return page.read_text() if page.exists() else None


if __name__ == "__main__":
    main()
