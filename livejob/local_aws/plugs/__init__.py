"""Services that MiniStack only pretends to have, made real. Each plug is a package of its own.

A plug costs nothing until its service is first called: `front` sees to that.
"""
