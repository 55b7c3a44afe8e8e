"""Imported by its neighbours."""


def title(month):
    return f"Report of {month}"
