"""netstart-wg.toml: text to settings, with a place for everything that is wrong."""
