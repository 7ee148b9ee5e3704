"""Desired state times running state to plan: pure, no clock, no I/O."""
