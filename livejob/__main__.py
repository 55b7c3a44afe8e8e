"""`python -m livejob`: the same as the `livejob` command."""

from livejob.cli.main import main

main()
