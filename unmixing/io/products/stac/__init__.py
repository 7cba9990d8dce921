"""A result, and a stored model, as STAC describes them: https://github.com/radiantearth/stac-spec, version 1.1.

Plain dictionaries: what is written here is small and fixed, and a package that writes it would be one more that the
light install needs. The tests read everything back with pystac and stac-pydantic.
"""
