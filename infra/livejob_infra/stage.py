"""`LivejobStage`: one stage of an app in a CDK stack, with what all of its jobs share.

Its resources, and those of the jobs in it, are the ones that `livejob deploy` makes: they come from the
same model (`livejob.deploy.stages`) through the same template, with the same logical ids and names, so
that `livejob run`, `runs`, `show`, `logs` and the SDK find a stage whichever way it was deployed. What is
different is where code lies: in the CDK's bucket for assets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from aws_cdk import Stack, Token
from constructs import Construct

import livejob
from livejob.deploy.build import Platform, platform_of
from livejob.deploy.checks import check_stage
from livejob.deploy.resources import BundleCode, ImageCode, StageContext
from livejob.deploy.stages import StageCode, stage_resources
from livejob.deploy.template import stage_template
from livejob.project.specs import JobSpec
from livejob.wire.names import NAME_PATTERN, StageNames
from livejob_infra.code import KEPT, CodeAssets, Source
from livejob_infra.props import invalid
from livejob_infra.resources import Resource, StackResources
from livejob_infra.tags import tagged

_PLACE = ("0" * 12, "ap-southeast-1")
"""An account and a region of the usual length, to check names before theirs are known."""

Change = Callable[[dict[str, Resource]], None]
"""Changes a job's resources after they are made from the model: what only a CDK app can say."""


class LivejobStage(Construct):
    """A production stage: run table, bucket, reconciler, and the jobs that are made in it.

    Attributes:
        names: of everything in the stage.
    """

    def __init__(self, scope: Construct, id: str, *, app: str, stage: str) -> None:  # noqa: A002 - the CDK's word
        """
        app, stage: as `livejob --stage` and livejob.toml say them. Two stacks cannot hold the same stage.

        Raises:
            JobSpecInvalid: a name that is not allowed.
        """
        super().__init__(scope, id)
        for what, name in (("app", app), ("stage", stage)):
            if not NAME_PATTERN.fullmatch(name):
                raise invalid(
                    f"Invalid {what} value for the {id} LivejobStage: {name!r}.",
                    "Use 1 to 40 letters, digits and hyphens, first a letter.",
                )
        self.names = StageNames(app, stage)
        self._jobs: dict[str, _PlacedJob] = {}
        self._code = CodeAssets(self, KEPT)
        self._resources = StackResources(self)
        self._refresh()

    @staticmethod
    def around(construct: Construct) -> LivejobStage:
        """The stage that a construct is in.

        Raises:
            JobSpecInvalid: it is in none.
        """
        for scope in reversed(construct.node.scopes):
            if isinstance(scope, LivejobStage):
                return scope
        raise invalid(
            f"{construct.node.path} is in no LivejobStage.",
            'stage = LivejobStage(stack, "Livejob", app="shop", stage="prod"), then Job(stage, ...).',
        )

    def put(self, spec: JobSpec, source: Source, change: Change) -> None:
        """Add a job, or change one that is there. For `Job` only.

        change: what is changed in the job's resources whenever they are made from the model.

        Raises:
            JobSpecInvalid: another job in the stage has the same name.
        """
        if spec.name in self._jobs and self._jobs[spec.name].change != change:
            raise invalid(
                f"Two jobs of the stage {self.names.stage} are called {spec.name}.",
                "Give one of them another id: it is the job's name.",
            )
        self._jobs[spec.name] = _PlacedJob(spec, source, change)
        self._refresh()

    def arn(self, service: str, resource: str) -> str:
        """ARN of a resource in the stage's account and region."""
        return self._context().arn(service, resource)

    def _context(self) -> StageContext:
        stack = Stack.of(self)
        return StageContext(self.names, stack.account, stack.region, livejob.__version__, "production")

    def _refresh(self) -> None:
        context = self._context()
        self._check(context)
        resources = self._made_from(context, [], self._code.stage_code())
        for (source, platform), jobs in self._groups().items():
            bundle = self._code.bundle(source, platform, jobs)
            resources |= self._made_from(context, jobs, self._code.stage_code({platform: bundle}))
        # Last, because with container jobs the stage's own roles have more in them.
        containers = [each for each in self._jobs.values() if each.spec.is_container]
        if containers:
            images = {each.spec.name: self._code.image(each.source, each.spec) for each in containers}
            specs = [each.spec for each in containers]
            resources |= self._made_from(context, specs, self._code.stage_code(images=images))
        for each in self._jobs.values():
            each.change(resources)
        self._resources.make(tagged(resources, context.tags))

    def _groups(self) -> Mapping[tuple[Source, Platform], list[JobSpec]]:
        """The functions by the bundle they need."""
        groups: dict[tuple[Source, Platform], list[JobSpec]] = {}
        for each in self._jobs.values():
            if not each.spec.is_container:
                groups.setdefault((each.source, platform_of(each.spec)), []).append(each.spec)
        return groups

    def _made_from(
        self, context: StageContext, specs: Sequence[JobSpec], code: StageCode
    ) -> dict[str, Resource]:
        """The resources of the stage as if these were all its jobs."""
        jobs = {each.name: each for each in specs}
        template = stage_template(stage_resources(context, jobs, code))
        resources: Mapping[str, Resource] = template["Resources"]  # type: ignore[assignment]
        return dict(resources)

    def _check(self, context: StageContext) -> None:
        """Refuse what AWS would refuse, in all jobs together."""
        account, region = (
            stand_in if Token.is_unresolved(value) else value
            for stand_in, value in zip(_PLACE, (context.account, context.region), strict=True)
        )
        known = replace(context, account=account, region=region)
        specs = {each.spec.name: each.spec for each in self._jobs.values()}
        any_code = BundleCode("", "", "", "")
        code = self._code.stage_code(
            {platform_of(spec): any_code for spec in specs.values() if not spec.is_container},
            {name: ImageCode("", "", "") for name, spec in specs.items() if spec.is_container},
        )
        check_stage(stage_resources(known, specs, code))


@dataclass(frozen=True, slots=True)
class _PlacedJob:
    spec: JobSpec
    source: Source
    change: Change
