"""Writers, verification and the report.

May import compress, evaluate, graph and core.
"""
