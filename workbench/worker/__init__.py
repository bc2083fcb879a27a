"""The session in a process of its own, behind a pipe."""
