"""Samples, their medians and spreads, as a table and as JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured thing. `goal` is a text, "" where there is none."""

    name: str
    unit: str
    samples: Sequence[float]
    goal: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    def row(self) -> tuple[str, ...]:
        low, high = min(self.samples), max(self.samples)
        p95 = sorted(self.samples)[min(len(self.samples) - 1, round(0.95 * len(self.samples)))]
        numbers = (f"{each:.1f}" for each in (self.median, low, p95, high))
        return (self.name, *numbers, self.unit, str(len(self.samples)), self.goal)


@dataclass
class Report:
    """The figures of one run of a bench."""

    title: str
    notes: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)

    def add(self, name: str, unit: str, samples: Sequence[float], goal: str = "") -> None:
        self.figures.append(Figure(name, unit, list(samples), goal))

    def print_table(self) -> None:
        rows = [
            ("", "median", "min", "p95", "max", "unit", "n", "goal"),
            *(each.row() for each in self.figures),
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        print(f"\n{self.title}  ({machine()})")
        for row in rows:
            print(
                "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            )
        for note in self.notes:
            print(f"  - {note}")

    def write_json(self, name: str) -> Path:
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{name}-{time.strftime('%Y%m%dT%H%M%S')}.json"
        document = {
            "title": self.title,
            "machine": machine(),
            "notes": self.notes,
            "figures": [
                {"name": each.name, "unit": each.unit, "median": each.median, "samples": list(each.samples)}
                for each in self.figures
            ],
        }
        path.write_text(json.dumps(document, indent=1))
        return path


def machine() -> str:
    """What the figures were measured on."""
    return (
        f"{os.cpu_count()} CPUs, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    )
