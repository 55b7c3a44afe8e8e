"""Executes one attempt of a run in the process it is in.

The same code locally (in a child that the supervisor forks), in CodeBuild and in Fargate. Standard library
only: it shares a process with user code, whose own versions of everything else must be undisturbed.
"""
