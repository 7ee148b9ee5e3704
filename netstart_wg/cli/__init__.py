"""Command lines: arguments, output, exit statuses."""
