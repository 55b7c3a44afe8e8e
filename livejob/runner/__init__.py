"""Executes one attempt of a run in the process it is in.

Also what whoever starts that process needs to tell how it ended (`ending`, `memory`) and to leave nothing
of it behind (`processes`). The same code locally (in a child that the supervisor forks) and in a build's
container (in a child of `livejob.build_runner`). Standard library
only: it shares a process with user code, whose own versions of everything else must be undisturbed.
"""
