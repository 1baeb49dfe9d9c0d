"""Figures: what Muster's heavy work costs, beside the plain way of doing it."""
