"""The process inside a worker that runs attempts: PID 1 of a container, or a plain child of the daemon.

A zygote: it forks a child for each attempt, so an attempt starts in milliseconds and still has a process
to itself. Single-threaded, because a process with threads cannot fork safely. Standard library only: what
it imports, every attempt inherits. It runs no user code itself, and knows nothing of engines, records or
AWS; it talks to the daemon alone, through the channel of `livejob.wire.worker`.

    __main__     puts the pieces together
    supervisor   the loop: messages in, attempts, messages out
    channel      frames on private descriptors
    zygote       the fork
    child        what a child does between fork and exit
    attempt      one attempt, seen from the parent
    launching    the processes of attempts
    spare        one that is forked ahead and waits
    telling      an attempt's end as messages
    endpoint     credentials over HTTP on the loopback
    environment  what an attempt finds in os.environ
    debugger     what debugs the child, if the worker has something:
                 debugpy_debugger, pydevd_debugger, terminal_pdb
    debug_tunnel, tunnel  its bytes to the daemon
"""
