"""benchmarks.memory runs the command line in a process of its own and reads what it took."""

from benchmarks.memory import markdown, measure_memory


def test_a_small_scene_with_a_method_that_trains_nothing() -> None:
    runs = measure_memory([2_000], ["vca_fcls"])
    assert [run.n_endmembers for run in runs] == [5, None]
    assert all(50 < run.peak_mib < 4_000 for run in runs)
    rows = markdown(runs).splitlines()
    assert rows[0].startswith("| pixels x 200 bands |")
    assert rows[3].startswith("| 2000 | vca_fcls | estimated |")
