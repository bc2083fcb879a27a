"""Accuracy of any mix of settings, learned from a scan and a few measured mixes."""
