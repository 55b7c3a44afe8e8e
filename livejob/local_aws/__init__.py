"""AWS on this machine: the emulator as a process of its own, reached by its endpoint URL alone."""
