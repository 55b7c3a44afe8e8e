"""Runs one attempt of a run inside a build of CodeBuild, and keeps its record.

`python -m livejob.build_runner` is the build's only command. What the daemon and its workers are in
development, in one process with one child:

    __main__   puts the pieces together; the exit code tells CodeBuild how it went
    build      what the build's environment says
    record     claim, heartbeats and end of the run, insistent where it must be
    execution  from the claim to the recorded end
    heartbeat  a thread that keeps the lease and hears of cancels
    attempt    the child: started, told to stop, killed, its report read
    child      what the child does

The payload comes from the run record or the stage's bucket, never through the build's parameters. Output
goes to the build's own stdout and stderr, and by them to CloudWatch Logs. boto3 is the only third-party
package, and only the parent imports it: the child is the user's.
"""
