"""Container jobs in a session: their images, built when a directory has changed, and their commands.

The command runs beside a worker without attempts, the *sidecar*, which lends it network, credentials and
end. What of a build of CodeBuild a command can see is the same here: the shell, the directory, the user.
"""
