"""One interface over the engines that can stand behind a name."""
