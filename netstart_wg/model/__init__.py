"""Frozen values that all layers speak in; standard library only."""
