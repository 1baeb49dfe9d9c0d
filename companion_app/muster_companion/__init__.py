"""Muster's companion: finds what the addon wrote on a player's computer and uploads it; imports nothing of the rest."""

__version__ = "1.0.0"
