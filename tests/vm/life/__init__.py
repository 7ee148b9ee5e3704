"""One machine's life: installed on, booted, killed at, cut off, upgraded, stopped.

The tests are in the order of that life and each takes the machine as the one before has left it;
so the first that fails is the last one (`-x`).  They run outside, where pytest is told of this
folder by name: `make check-vm`.
"""
