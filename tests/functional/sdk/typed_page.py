"""Never run: user code as a type checker reads it, and what it says of it. See test_typing.py."""

from typing import TypedDict, reveal_type

from livejob import Context, Job, job
from livejob.testing import run_job


class Photo(TypedDict):
    width: int


@job
def tidy() -> int:
    return 1


@job(timeout="1 hour", memory="7 GB", when_disconnected="fail")
def resize(payload: Photo) -> str:
    return str(payload["width"])


@job
async def enhance(payload: Photo, context: Context) -> list[str]:
    return [context.run_id]


def callers() -> None:
    reveal_type(tidy.run())  # reveals: Run[int]
    tidy.run({"width": 1})  # error: call-overload
    reveal_type(resize.run({"width": 1}, key="a"))  # reveals: Run[str]
    resize.run({"widht": 1})  # error: typeddict-item, typeddict-unknown-key
    resize.run()  # error: call-arg
    reveal_type(enhance.run({"width": 1}).result())  # reveals: list[str]
    reveal_type(Job.run("Resize", {"width": 1}))  # reveals: Run[Any]


async def tests_of_handlers(context: Context) -> None:
    reveal_type(resize({"width": 1}))  # reveals: str
    reveal_type(await enhance({"width": 1}, context=context))  # reveals: list[str]
    await enhance({"width": 1})  # error: call-arg
    reveal_type(run_job(enhance, {"width": 1}))  # reveals: list[str]
    reveal_type(run_job(tidy))  # reveals: int


@job(timeout="1 hour", when_disconnected="cry")  # error: call-overload, untyped-decorator
def sad() -> None: ...
