"""The command line: one sub-command a verb of the session. Prints; computes nothing itself.

May import the session, the project's files and the core. Heavy imports come with the verb that needs them.
"""
