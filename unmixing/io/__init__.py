"""Cube files in, products out: the only place that knows file formats."""

from unmixing.io.checks import check_scene
from unmixing.io.libraries import read_library
from unmixing.io.products import write_products
from unmixing.io.reader import SceneReader
from unmixing.io.scenes import open_scene
from unmixing.io.uploads import unpack_upload

__all__ = ["SceneReader", "check_scene", "open_scene", "read_library", "unpack_upload", "write_products"]
