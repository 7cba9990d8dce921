"""``image.npy``: the image beside its maps."""

from pathlib import Path

import numpy as np

from tests.conftest import small_scene
from unmixing.inference.images import as_image
from unmixing.io.apply.run import run_task
from unmixing.io.inputs.tasks import UnmixingTask
from unmixing.io.products.image_file import IMAGE, write_image
from unmixing.progress import silent
from unmixing.specs import InputSpec, UnmixSpec
from unmixing.types import Compute


def test_a_result_holds_the_image_as_it_was_computed_on(tmp_path: Path) -> None:
    cube = small_scene()
    cube[3, 4] = -9999.0
    np.save(tmp_path / "scene.npy", cube)
    (folder := tmp_path / "result").mkdir()
    spec = UnmixSpec(n_endmembers=3, method="vca_fcls")
    task = UnmixingTask(paths=[tmp_path / "scene.npy"], spec=spec, input=InputSpec(nodata=-9999.0, scale=0.5))
    document = run_task(task, folder, Compute(), silent, lambda model: None).document
    kept = np.load(folder / IMAGE)
    expected = 0.5 * cube
    expected[3, 4] = np.nan
    np.testing.assert_allclose(kept, expected, rtol=1e-6)
    assert document["assets"][IMAGE]["size"] == (folder / IMAGE).stat().st_size


def test_a_large_image_is_not_kept(tmp_path: Path) -> None:
    image = as_image(small_scene())
    n_bytes = small_scene().nbytes
    assert write_image(tmp_path, image, (), n_bytes - 1) == {}
    assert list(tmp_path.iterdir()) == []
    assert write_image(tmp_path, image, (), n_bytes) == {IMAGE: "application/x-npy"}
