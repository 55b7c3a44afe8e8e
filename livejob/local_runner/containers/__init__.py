"""Container jobs in a session: an image of the author's, built when its directory has changed, and its command.

The command runs beside a worker without attempts, the *sidecar*, which lends it network, credentials and
end. What of a build of CodeBuild a command can see is the same here: the shell, the directory, the user.
"""
