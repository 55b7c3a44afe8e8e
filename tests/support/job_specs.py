"""Job specs as tests need them."""

from __future__ import annotations

from livejob.project.specs import CONTAINER_RUNTIME, Container, JobSpec, Statement


def a_job(name: str = "Resize", *statements: Statement, **fields: object) -> JobSpec:
    """A job of that name; `statements` are its permissions, `fields` any other of its fields."""
    spec: dict[str, object] = {
        "handler": f"jobs.{name.lower()}",
        "defined_at": "jobs.py:1",
        "permissions": statements,
        **fields,
    }
    return JobSpec(name=name, **spec)  # type: ignore[arg-type]


def a_container_job(name: str = "Convert", *statements: Statement, **fields: object) -> JobSpec:
    """A container job of that name, as `a_job`."""
    container = {
        "handler": "convert",
        "runtime": CONTAINER_RUNTIME,
        "container": Container(("sh", "convert.sh")),
    }
    return a_job(name, *statements, **{**container, "timeout_s": 3600, **fields})


def jobs_of(*specs: JobSpec) -> dict[str, JobSpec]:
    """The specs by name."""
    return {spec.name: spec for spec in specs}
