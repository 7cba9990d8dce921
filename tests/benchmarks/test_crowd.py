"""The tables of benchmarks.crowd, from made-up measurements."""

from benchmarks.crowd import Posts, Trickled, markdown


def test_the_tables_have_a_row_for_each_queue_and_one_for_what_trickles() -> None:
    posts = [Posts(50, 8, 2, 0, 1, 5, 2, 1, 1.26, 34.4, 199.6)]
    lines = markdown(posts, Trickled(200, 3.0, 4.126, 199, 20.6)).splitlines()
    assert lines[2] == "| 50 | 8 | 2 | 0 | 1 | 5 | 2 | 1 | 1.3 | 34 | 200 |"
    assert lines[-1] == "| 200 | 3.00 | 4.13 | 199 | 21 |"
    assert {len(line.split(" | ")) for line in lines[:3]} == {11}
    assert {len(line.split(" | ")) for line in lines[4:]} == {5}
