"""The development stage of a session: deployed at its start, and again as its jobs change.

Part of the composition root. What it does blocks; the session calls it through a gateway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from livejob import __version__
from livejob.cli.review import ConsoleReview
from livejob.cli.stage_images import open_images
from livejob.cli.stage_source import make_source
from livejob.cli.wiring import Target
from livejob.deploy.artifacts import DeployClients
from livejob.deploy.changes import ResourceChange
from livejob.deploy.images import ImageWatcher
from livejob.deploy.resources import StageContext
from livejob.deploy.review import Review
from livejob.deploy.stack_events import OnEvent
from livejob.deploy.stage import DeployedStage, StageSource, deploy_stage, diff_stage
from livejob.project.settings import Settings
from livejob.project.specs import JobSpec


class LiveStage:
    """A `FollowedStage`."""

    def __init__(
        self, target: Target, settings: Settings, tell: OnEvent, image_watcher: ImageWatcher
    ) -> None:
        self._target = target
        self._settings = settings
        self._tell = tell
        self._image_watcher = image_watcher
        self._clients = DeployClients(target.session, target.endpoint_url)
        # Who has the terminal is asked before a deployment, and not in the middle of one.
        self._silent = ConsoleReview("livejob start", is_yes=False, is_silent=True, asks_for_changes=False)

    def deploy_first(self, jobs: Mapping[str, JobSpec], review: Review) -> DeployedStage:
        """As `deploy`, at the start of a session; `review` is asked about a stage of another mode.

        Raises:
            As `deploy_stage`.
        """
        context = self._context()
        source = self._source(context, jobs)
        deployed = deploy_stage(self._clients, context, jobs, source, self._tell, review)
        self._target.remember()
        return deployed

    def look(self, jobs: Mapping[str, JobSpec]) -> Sequence[ResourceChange]:
        """What a deployment would change.

        Raises:
            NotConfirmed: somebody has made a production stage of it meanwhile.
            And as `diff_stage`.
        """
        context = self._context()
        diff = diff_stage(self._clients, context, jobs, self._source(context, jobs))
        if diff.mode is not None and diff.mode != context.mode:
            self._silent.check_mode(context, diff.mode)
        return diff.changes

    def deploy(self, jobs: Mapping[str, JobSpec]) -> DeployedStage:
        """Bring the stage to these jobs.

        Raises:
            NotConfirmed: somebody has made a production stage of it meanwhile.
            And as `deploy_stage`.
        """
        return self.deploy_first(jobs, self._silent)

    def _source(self, context: StageContext, jobs: Mapping[str, JobSpec]) -> StageSource:
        images = open_images(self._clients, context, self._settings, jobs, self._image_watcher)
        return make_source(context, self._settings, jobs, images)

    def _context(self) -> StageContext:
        target = self._target
        return StageContext(target.names, target.account, target.region, __version__)
