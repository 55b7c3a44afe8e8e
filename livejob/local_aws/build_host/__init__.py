"""The build host: executes CodeBuild's builds in containers, in a process of its own.

A process, because the container engine's and AWS's SDKs take time and memory that the emulator's event
loop must not pay for, and because its standard input is a pipe from the emulator: when that ends, by
kill -9 too, the host removes its containers and ends.

It calls the emulator as a build's own service does: over HTTP, with the credentials of the build's role.
It knows nothing of the emulator's insides, nor of who starts builds and why.
"""
