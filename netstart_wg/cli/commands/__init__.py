"""The commands of `netstart-wg`, a file each; what it does without one is in netstart.py.

Each has `run(arguments, terminal)`.  Only the one that is given is loaded, and
nothing heavy before it is known to be needed.
"""
