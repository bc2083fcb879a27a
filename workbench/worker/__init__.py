"""The session behind a pipe, in a process of its own: requests go down, progress and results come up.

The window imports the client side (`client`, `messages`), which knows the nouns only; `server` imports the
session inside the child.
"""
