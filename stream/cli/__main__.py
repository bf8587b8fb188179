"""`python -m stream.cli` is `liveroom`."""

from stream.cli.entry import main

main()
