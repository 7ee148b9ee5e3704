"""The daemon: opens TUN and sockets, serves the UAPI socket, drives Device and DataPath."""
