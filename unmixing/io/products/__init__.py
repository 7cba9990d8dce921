"""What comes out: maps, tables, pictures and the document that describes them."""
