"""Pixels one by one, and with the pixels around them."""

import numpy as np

from unmixing.cubes import cube_from_array
from unmixing.inference.neighbourhoods import filled, pixel_reader

ROWS, COLUMNS, BANDS = 5, 4, 3


def masked_cube():
    values = np.arange(1.0, ROWS * COLUMNS * BANDS + 1).reshape(ROWS, COLUMNS, BANDS).astype(np.float32)
    values[2, 1] = np.nan
    return cube_from_array(values)


def test_alone_a_pixel_is_itself():
    cube = masked_cube()
    np.testing.assert_array_equal(pixel_reader(cube, 1)(slice(None)), cube.pixels())


def test_in_the_middle_of_its_neighbourhood_a_pixel_is_itself():
    cube = masked_cube()
    around = pixel_reader(cube, 3)(slice(None)).reshape(-1, 9, BANDS)
    np.testing.assert_array_equal(around[:, 4], cube.pixels())


def test_neighbours_stand_in_row_major_order_and_the_nearest_pixel_fills_gaps():
    cube = masked_cube()
    around = pixel_reader(cube, 3)(slice(None)).reshape(-1, 3, 3, BANDS)
    index = {place: number for number, place in enumerate(zip(*np.nonzero(cube.valid_pixels), strict=True))}
    inside = around[index[3, 2]]
    np.testing.assert_array_equal(inside[1:], cube.values[3:5, 1:4])
    np.testing.assert_array_equal(inside[0, 1:], cube.values[2, 2:4])
    beside = [cube.values[place] for place in ((1, 1), (3, 1), (2, 0), (2, 2))]
    assert any(np.array_equal(inside[0, 0], neighbour) for neighbour in beside)
    corner = around[index[0, 0]]
    np.testing.assert_array_equal(corner[0, 0], cube.values[0, 0])
    np.testing.assert_array_equal(corner[0, 2], cube.values[0, 1])
    np.testing.assert_array_equal(corner[2, 0], cube.values[1, 0])


def test_some_pixels_are_read_as_all_are():
    read = pixel_reader(masked_cube(), 3)
    np.testing.assert_array_equal(read(np.array([7, 2])), read(slice(None))[[7, 2]])
    np.testing.assert_array_equal(read(slice(3, 9)), read(slice(None))[3:9])


def test_filling_leaves_valid_pixels_as_they_are():
    cube = masked_cube()
    values = filled(cube)
    np.testing.assert_array_equal(values[cube.valid_pixels], cube.values[cube.valid_pixels])
    assert np.isfinite(values).all()
