"""Use cases, each a straight line of calls to read aloud."""
