"""Estimated latency of a model on a device that is not here: operators, their costs, profiles of devices.

May import runtime, graph and core.
"""
