"""Model to text for people and programs; the only importer of jinja2."""
