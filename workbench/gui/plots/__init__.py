"""Plots. The only place of the window that imports pyqtgraph; imported when the first plot is needed."""
