"""The grammar of the hostname file; a package so that it is installed with the code."""
