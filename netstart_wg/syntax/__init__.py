"""Text of a hostname file to statements to desired state; the only importer of lark."""
