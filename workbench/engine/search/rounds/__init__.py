"""Pruning in rounds: a little more each time, recovered and measured."""
