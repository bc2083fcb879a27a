"""Running models with onnxruntime: sessions that can be stopped, and times on this computer.

May import graph, core and jobs.
"""
