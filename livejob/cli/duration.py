"""A duration on the command line: `90`, `90s` as people write it to other tools, or `"5 minutes"`."""

from __future__ import annotations

import re

import click

from livejob.project.units import parse_duration_s

_SHORT = {"s": 1, "m": 60, "h": 3600}


class DurationType(click.ParamType[float]):
    """Seconds as a float."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        short = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value))
        if short:
            return float(short[1]) * _SHORT.get(short[2], 1)
        try:
            return float(parse_duration_s(value))
        except ValueError:
            self.fail(f'{value!r} is no duration such as 90, 90s, 5m or "2 hours"', param, ctx)


DURATION = DurationType()
