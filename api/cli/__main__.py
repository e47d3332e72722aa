"""`python -m api.cli` is the same as `odzew`."""

from api.cli import main

main()
