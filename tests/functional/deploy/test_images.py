"""Images of a stage's container jobs on their way into its repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from livejob.clock import SteppedClock
from livejob.deploy.images import KEPT_S, RepositoryImages
from livejob.errors import EngineUnavailable, RegistryRefused
from livejob.images.context import context_digest
from tests.support.image_fixtures import an_image_order, write_files
from tests.support.stage_images import HOST, MemoryBuilder, MemoryRepository, ToldOfImages


class ImagesWorld:
    """Two jobs of one directory, and one of another."""

    def __init__(self, root: Path) -> None:
        write_files(root, {"a/Dockerfile": "FROM scratch\n", "b/Dockerfile": "FROM scratch\nENV B=1\n"})
        self.orders = {
            "First": an_image_order(root / "a"),
            "Second": an_image_order(root / "a"),
            "Other": an_image_order(root / "b"),
        }
        self.repository = MemoryRepository()
        self.builder = MemoryBuilder(self.repository)
        self.told = ToldOfImages()
        self.clock = SteppedClock()

    def deployment(self) -> RepositoryImages:
        """The images as a new deployment sees them."""
        return RepositoryImages(self.orders, self.repository, self.builder, self.told, self.clock)


@pytest.fixture
def world(tmp_path: Path) -> ImagesWorld:
    return ImagesWorld(tmp_path)


def test_an_image_is_named_by_what_it_is_made_from(world: ImagesWorld):
    """Host and repository are the registry's; jobs with the same directory have the same image."""
    code = world.deployment().code()

    digest = context_digest(world.orders["Other"])
    assert (digest, f"{HOST}/livejob-shop-prod:{digest}") == (code["Other"].digest, code["Other"].uri)
    assert world.repository.arn == code["Other"].repository
    assert code["First"] == code["Second"] != code["Other"]
    assert ["login"] == world.repository.asked


def test_each_image_is_built_once(world: ImagesWorld):
    """Whoever watches is told of each; the next deployment finds them and asks nothing of Docker."""
    world.deployment().publish()
    world.deployment().publish()

    assert 2 == len(world.builder.built)
    assert ["begin Second", "Step 1/1 : FROM scratch", "end Second"] == world.told.said[:3]
    assert 1 == world.repository.asked.count("ensure")
    assert {each.digest for each in world.deployment().code().values()} == set(world.repository.tags)


def test_without_an_engine_it_is_said_which_image_needs_one(world: ImagesWorld):
    """The remedy is a deployment's."""
    world.builder.has_engine = False

    with pytest.raises(EngineUnavailable, match="the image of Second has to be built: no engine") as caught:
        world.deployment().publish()

    assert "deploy again" in caught.value.remedy


def test_two_deployments_at_once_both_have_their_image(world: ImagesWorld):
    """The registry refuses the second push of a tag; that the image is there is what counts."""
    world.builder.is_late = True

    world.deployment().publish()

    assert 2 == len(world.repository.tags)


def test_an_image_that_the_registry_refuses_is_an_error(world: ImagesWorld):
    """It is not there, so nothing may be deployed that needs it."""
    world.builder.refuses = True

    with pytest.raises(RegistryRefused):
        world.deployment().publish()


def test_old_images_go_and_those_in_use_stay(world: ImagesWorld):
    """An image of an earlier deployment is kept for a while, for builds that wait."""
    now_ms = world.clock.now_ms()
    deployment = world.deployment()
    deployment.publish()
    world.repository.tags |= {"recent": now_ms, "old": now_ms - KEPT_S * 1000 - 1}

    deployment.prune()

    assert {"recent", *(each.digest for each in deployment.code().values())} == set(world.repository.tags)
