"""Uploads are read in processes of their own: what a hostile file does there costs its own request, not the service."""
