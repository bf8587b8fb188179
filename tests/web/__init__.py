"""Browser tests of the screens, and the scripted session they are drawn from."""
