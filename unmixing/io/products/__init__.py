"""Products of a job: maps, tables, pictures and the document that describes them."""
