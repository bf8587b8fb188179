"""The `liveroom` command: one file a subcommand, all named in `stream.cli.main.COMMANDS`."""
