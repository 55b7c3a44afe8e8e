"""Job specs as tests need them."""

from __future__ import annotations

from livejob.project.specs import JobSpec, Statement


def a_job(name: str = "Resize", *statements: Statement, **fields: object) -> JobSpec:
    """A job of that name; `statements` are its permissions, `fields` any other of its fields."""
    spec: dict[str, object] = {
        "handler": f"jobs.{name.lower()}",
        "defined_at": "jobs.py:1",
        "permissions": statements,
        **fields,
    }
    return JobSpec(name=name, **spec)  # type: ignore[arg-type]


def jobs_of(*specs: JobSpec) -> dict[str, JobSpec]:
    """The specs by name."""
    return {spec.name: spec for spec in specs}
