"""`python -m stream.cli` is `liveroom`."""

from stream.cli.main import main

main()
