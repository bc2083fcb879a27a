"""Small painted controls: they show values and emit wishes, and know neither the document nor the engine."""
