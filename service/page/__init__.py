"""The page that browsers get: ``src`` is its code, ``bundle.mjs`` and setup.py make ``dist`` of it."""
