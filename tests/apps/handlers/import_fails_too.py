"""Imported by import_fails."""

SETTINGS = {}
LIMIT = SETTINGS["limit"]
