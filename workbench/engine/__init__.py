"""The engine: reading, compressing, evaluating and writing models. It knows no Qt and no front end."""
