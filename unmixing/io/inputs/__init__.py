"""What a request may hold: scenes, mixtures, libraries, fields, and whether they fit together."""
