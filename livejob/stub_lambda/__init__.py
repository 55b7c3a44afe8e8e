"""What runs in Lambda: the invoker of each job, in a stage of either mode, and a stage's reconciler.

    handler, production, reconcile   the functions' entries; a zip is what its entry imports of livejob
    wiring                           makes their pieces from clients and environment
    invoker                          answers callers: run, upload, status, cancel
    starting, offer                  development: a run is offered to sessions
    submitting, handover             production: a run is handed to the backend
    backend, codebuild               the port, and CodeBuild behind it; `backend_memory` is its twin
    reconciler, build_ends           what the end of a build means for its run
    sweeping                         by a schedule: runs that nobody would end any more

boto3 is the runtime's. A development invoker that finds no session is called the stub.
"""
