"""One port for a debugger: it attaches once, and every run of the session appears in it.

    server     the port, the root session, the runs that are under way
    sessions   what an IDE's session is told: the root, or one run
    client     one connection of an IDE
    attempt    one attempt's debugger, from its start to its end
    debuggee   the daemon's side of the talk with it
    settings   what the IDE wants of every run: breakpoints, filters, options
    paths      the same file here and in a worker
    wanted     single runs that shall wait, by the word of another command
    debug_server, pydevd  instead of all that: each run connects to PyCharm, which listens
    terminal   instead of all that: pdb at the daemon's own terminal
    dap        messages of the Debug Adapter Protocol on a stream of bytes

The daemon takes the place of debugpy's adapter. It knows all breakpoints by the root session, so a run has
them before its first line without waiting for an IDE; the IDE is told of the run and takes it over at its
own pace. Nobody else can get at a run: its debugger's bytes come through the worker's channel.
"""
