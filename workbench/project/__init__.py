"""What is kept on disk between runs: recipes and projects as text, measurements in a store.

Imports the nouns only; the session, the command line and the window call it.
"""
