"""Packets between TUN and UDP: moves them, decides nothing."""
