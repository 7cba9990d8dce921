"""Names that people give the arrays of a scene's file."""

import re

TRUTH_NAMES = frozenset((
    "a", "a0", "a1", "abd", "abds", "abu", "abun", "abundance", "abundancemap", "abundancemaps", "abundances",
    "abunds", "acube", "aest", "agt", "ahat", "ainit", "atrue", "bundle", "bundles", "cood", "d", "datalib", "dict",
    "dictionary", "e", "e0", "ee", "egt", "em", "ems", "end", "endm", "endmember", "endmembers", "endmembersgt",
    "ends", "etrue", "groundtruth", "gt", "label", "labelmap", "labels", "lib", "library", "m", "m0", "m1", "mask",
    "masks", "mgt", "mtrue", "mvs", "nend", "p", "ptrue", "reference", "referencespectra", "s", "s0", "sgt",
    "signatures", "spectra", "strue", "true", "truth", "xt", "ygt",
))  # fmt: skip
"""Of all that is known beside the pixels: abundances, endmembers, labels, libraries; without case and signs."""

TRUTH_PARTS = frozenset(("gt", "true", "truth", "groundtruth", "abundance", "abundances", "endmember", "endmembers",
                         "label", "labels", "mask", "library"))  # fmt: skip
"""Words that make a longer name one of those."""

ROW_NAMES = ("nrow", "nrows", "h", "height", "lines", "nlines", "line", "rows", "row", "nr", "numrows", "imgheight",
             "imageheight", "ysize", "ny", "hei", "m")  # fmt: skip
COLUMN_NAMES = ("ncol", "ncols", "w", "width", "cols", "columns", "ncolumns", "col", "samples", "nsamples", "nc",
                "numcols", "imgwidth", "imagewidth", "xsize", "nx", "wid", "n")  # fmt: skip
SIZE_NAMES = ("imgsize", "imagesize", "imsize", "imsz", "size", "sz", "siz", "dim", "dims", "dimensions", "shape",
              "imgshape", "imageshape", "spatialsize", "spatialshape", "hw", "hsisize", "cubesize")  # fmt: skip
"""Of the numbers of rows and columns of the image that a matrix holds, and of lists of both."""

WAVELENGTH_NAMES = frozenset((
    "avirisw", "aviriswavlen", "bandcenter", "bandcenters", "bandcenterwavelength", "bandcentre", "bandcentres",
    "bandnm", "bandsnm", "bandswl", "bandwavelength", "bandwavelengths", "centerwavelength", "centerwavelengths",
    "centralwavelength", "centralwavelengths", "centrewavelength", "centrewavelengths", "lam", "lambda", "lambdas",
    "wave", "wavelen", "wavelength", "wavelengthcenter", "wavelengthcenters", "wavelengthgrid", "wavelengths",
    "waves", "wavlen", "wavlength", "wavlengths", "wl", "wlen", "wln", "wls", "wv", "wvl", "wvls",
))  # fmt: skip
"""Of the list of wavelengths, without unit, case and signs."""

GOOD_BANDS = frozenset(("bbl", "goodwavelengths", "goodbands"))
"""Of lists of 1 for good bands and 0 for bad ones, as ENVI and EMIT write them; without case and signs."""

WIDTHS = frozenset(("fwhm", "fwhms", "bandwidth", "bandwidths", "fullwidthhalfmaximum", "fullwidthhalfmax"))
"""Of the list of the widths of bands; without unit, case and signs."""

UNITS_IN_NAMES = {"nanometers": "nm", "nanometer": "nm", "nm": "nm", "micrometers": "um", "micrometer": "um",
                  "microns": "um", "micron": "um", "um": "um", "angstroms": "angstroms"}  # fmt: skip


def bare_name(name: str) -> str:
    """A name without the groups it lies in, case and signs.

    >>> bare_name("scene/S_GT"), bare_name("data.nRow")
    ('sgt', 'nrow')
    """
    return re.sub(r"[^a-z0-9]", "", re.split(r"[/.@]", name)[-1].lower())


def names_truth(name: str) -> bool:
    """Whether a name is one of what is known of a scene beside its pixels.

    >>> [names_truth(name) for name in ("S_GT", "A", "abundances", "a_FCLSU", "Y", "img")]
    [True, True, True, True, False, False]
    """
    last = re.split(r"[/.@]", name)[-1]
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+", last.replace("_", " "))
    starts_like = re.match(r"^[AaEeMmSs]_", last) is not None
    return bare_name(name) in TRUTH_NAMES or starts_like or any(word.lower() in TRUTH_PARTS for word in words)


def wavelength_unit(name: str) -> tuple[bool, str | None]:
    """Whether a name is one of lists of wavelengths, and the unit in it.

    >>> wavelength_unit("lambda"), wavelength_unit("bands_nm"), wavelength_unit("wavelengths_um"), wavelength_unit("Y")
    ((True, None), (True, 'nm'), (True, 'um'), (False, None))
    """
    bare = bare_name(name)
    if bare in GOOD_BANDS:
        return False, None
    for ending, unit in UNITS_IN_NAMES.items():
        stem = bare.removesuffix(ending)
        if stem != bare and (stem in WAVELENGTH_NAMES or stem in ("band", "bands", "w")):
            return True, unit
    words = [bare_name(word) for word in re.split(r"[/._@]", name)]
    return bare in WAVELENGTH_NAMES or any(word in WAVELENGTH_NAMES for word in words[-2:]), None


def width_unit(name: str) -> tuple[bool, str | None]:
    """Whether a name is one of lists of the widths of bands, and the unit in it.

    >>> width_unit("sensor_band_parameters/fwhm"), width_unit("fwhm_nm"), width_unit("wavelength")
    ((True, None), (True, 'nm'), (False, None))
    """
    bare = bare_name(name)
    for ending, unit in UNITS_IN_NAMES.items():
        if bare.removesuffix(ending) != bare and bare.removesuffix(ending) in WIDTHS:
            return True, unit
    return bare in WIDTHS, None
