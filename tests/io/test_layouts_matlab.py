"""Layouts of .mat files in public repositories of unmixing code, and look-alikes: each is read right, or refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.io.layout_files import Row, by_name, check_row, scene, write_v5, write_v73
from unmixing.specs import InputSpec

S = scene()
SQUARE = scene(20, 20)
ROWS, COLUMNS, BANDS = S.cube.shape
Y, A = S.down_columns, S.abundance_matrix
SIZE = {"nRow": ROWS, "nCol": COLUMNS}


NAMES_OF_SIZES = [
    ("nRow", "nCol"), ("nrows", "ncols"), ("H", "W"), ("h", "w"), ("lines", "cols"), ("Lines", "Columns"),
    ("rows", "cols"), ("nr", "nc"), ("n_rows", "n_cols"), ("height", "width"), ("lines", "samples"), ("M", "N"),
]  # fmt: skip

TABLE = [
    *(
        Row(f"a matrix with its size as {rows} and {columns}", dict(Y=Y, **{rows: ROWS, columns: COLUMNS}), S.cube)
        for rows, columns in NAMES_OF_SIZES
    ),
    Row("imgSize", {"Y": Y, "imgSize": [ROWS, COLUMNS]}, S.cube),
    Row("a size of three numbers", {"X": Y, "size": [ROWS, COLUMNS, BANDS]}, S.cube, variable="X"),
    Row("a size of three numbers, bands first", {"X": Y, "sz": [BANDS, ROWS, COLUMNS]}, S.cube),
    Row("pixels first bands", dict(data=Y.T, **SIZE), S.cube, variable="data"),
    Row("whole numbers as MATLAB stores them", dict(V=np.round(Y * 1000), **SIZE), np.round(S.cube * 1000)),
    Row(
        "Jasper Ridge with counts and selected bands",
        dict(Y=Y, nBand=BANDS, maxValue=5000, SlectBands=np.arange(1, BANDS + 1)[:, None], **SIZE),
        S.cube,
        no_wavelengths=True,
    ),
    Row(
        "the benchmarks of UPCGIT",
        {"GT": S.endmembers, "S_GT": S.abundances, "Y": Y, "cols": COLUMNS, "lines": ROWS},
        S.cube,
        variable="Y",
        passed_over=("S_GT",),
    ),
    Row(
        "abundances twice beside the pixels",
        {"A": A, "GT": S.endmembers, "S_GT": S.abundances, "Y": Y, "cols": COLUMNS, "lines": ROWS},
        S.cube,
        passed_over=("A", "S_GT"),
    ),
    Row(
        "HySUPP",
        {
            "Y": Y,
            "E": S.endmembers.T,
            "A": A,
            "H": ROWS,
            "W": COLUMNS,
            "p": 3,
            "L": BANDS,
            "N": ROWS * COLUMNS,
            "D": np.ones((BANDS, 7)),
            "M": 7,
        },
        S.cube,
        variable="Y",
    ),
    Row(
        "PLMM with projections",
        {
            "Y": Y,
            "H": ROWS,
            "W": COLUMNS,
            "A0": A,
            "M0": S.endmembers.T,
            "V": np.ones((2, BANDS)),
            "Y_proj": Y[:2],
            "A_VCA": S.abundances,
        },
        S.cube,
        variable="Y",
        passed_over=("A0", "Y_proj", "A_VCA"),
    ),
    Row("pixels counted along the rows, as Python does", {"Y": S.along_rows, "H": ROWS, "W": COLUMNS}, S.cube),
    Row("the size told by the abundances alone", {"Y": Y, "S_GT": S.abundances}, S.cube, variable="Y"),
    Row("a cube beside abundances of other names", {"r_cube": S.cube, "A_init": A, "M0": S.endmembers.T}, S.cube),
    Row(
        "a cube with LiDAR and labels",
        {"Y": S.cube, "MPN": S.cube[..., :5], "DSM": S.cube[..., 0], "label": S.abundances, "M": S.endmembers.T},
        S.cube,
        passed_over=("MPN", "label"),
    ),
    Row("a cube and the same as a matrix", {"X": Y, "Xim": S.cube}, S.cube, variable="Xim", passed_over=("X",)),
    Row("one cube", {"Y_clean": S.cube}, S.cube),
    Row("one cube saved bands first by Python", {"img": S.cube.transpose(2, 0, 1)}, S.cube),
    Row(
        "a square image without its size",
        {"Y": SQUARE.down_columns, "A": SQUARE.abundance_matrix, "M": SQUARE.endmembers.T, "M1": SQUARE.endmembers.T},
        SQUARE.cube,
    ),
    Row("a matrix without its size", {"Y": Y, "A": A, "M": S.endmembers.T}, refused=r"matrix.*rows= and columns="),
    Row("a matrix whose size is said", {"Y": Y, "A": A}, S.cube, said=InputSpec(rows=str(ROWS), columns=str(COLUMNS))),
    Row(
        "a matrix of several",
        {"Y": Y, "Z": Y * 2},
        S.cube * 2,
        variable="Z",
        said=InputSpec(variable="Z", rows=str(ROWS), columns=str(COLUMNS)),
    ),
    Row("several matrices without a size", {"Y": Y, "Z": Y * 2}, refused=r"Y .*Z .*`variable`.*rows= and columns="),
    Row("a size that does not fit", {"Y": Y, "nRow": 7, "nCol": 5}, refused=r"35 pixels.*rows= and columns="),
    Row(
        "two sizes",
        {"Y": Y, "H": ROWS, "W": COLUMNS, "lines": COLUMNS, "cols": ROWS},
        refused=r"24 x 18.*rows= and columns=",
    ),
    Row("axes said wrongly", dict(Y=Y, **SIZE), refused="axes says", said=InputSpec(axes="pixels,bands")),
    Row("two cubes alike", {"first": S.cube, "second": S.cube * 2}, refused=r"first.*second.*`variable`"),
    Row(
        "two cubes and the one meant",
        {"first": S.cube, "second": S.cube * 2},
        S.cube * 2,
        said=InputSpec(variable="second"),
    ),
    Row(
        "the abundances asked for", dict(Y=Y, S_GT=S.abundances, **SIZE), S.abundances, said=InputSpec(variable="S_GT")
    ),
    Row(
        "a spectral library",
        {"A": S.endmembers.T, "lib1": np.ones((BANDS, 9)), "lib2": np.ones((BANDS, 8))},
        refused=r"lib1.*lib2.*`variable`",
    ),
    Row("endmembers alone", {"M": S.endmembers.T, "cood": np.ones((3, 1))}, refused="no 3-D array"),
    Row("a struct", {"data": {"Y": Y, "nRow": ROWS, "nCol": COLUMNS, "A": A}}, S.cube),
    Row(
        "a struct in a struct with wavelengths",
        {"scene": {"hsi": {"img": S.cube, "wavelength": np.linspace(0.4, 2.4, BANDS)}}},
        S.cube,
        wavelengths=np.linspace(400, 2400, BANDS),
    ),
    Row(
        "a struct's field by its own name",
        {"a": {"x": S.cube}, "b": {"y": S.cube * 2}},
        S.cube * 2,
        said=InputSpec(variable="y"),
    ),
]


@pytest.mark.parametrize("write", [write_v5, write_v73])
@pytest.mark.parametrize("row", TABLE, ids=by_name)
def test_a_mat_file_is_read_right_or_refused(row: Row, write: Any, tmp_path: Path) -> None:
    check_row(row, write(tmp_path, **row.arrays))
