"""Tries over a network that loses, delays and is cut; ``make netem`` runs them."""
