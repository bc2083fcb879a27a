"""The best choice within limits: what can be chosen, what it costs, and the solvers."""
