"""CodeBuild, executed: its API in the emulator, its builds in the build host's containers.

    front       sees requests come; puts the plug in before the first that concerns it; serves credentials
    plug        the wiring
    emulator    the only module that touches MiniStack's insides
    service     the operations: StartBuild, StopBuild, BatchGetBuilds, ...
    request     what a StartBuild asks for, checked against AWS's limits
    limits      those limits
    projects    what MiniStack drops of a project
    record      a build's record and its order to the host
    events      what EventBridge is told
    credentials the build roles' sessions
    process     the build host's process

It knows nothing of livejob's jobs, runs and stages: boto3 and the emulator's endpoint are all it takes.
"""
