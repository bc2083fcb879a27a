"""How good a model is on samples: metrics, intervals, paired comparison.

May import runtime, data, graph and core.
"""
