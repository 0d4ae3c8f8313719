import numpy as np
import pytest

from optplan.training.fusion import fuse_scores

RGB = {
    "scores": np.array([[0.9, 0.1, 0.0], [0.6, 0.3, 0.1], [0.2, 0.3, 0.5]]),
    "targets": np.array([0, 1, 2]),
    "videos": np.array(["a", "b", "c"]),
}
FLOW = RGB | {"scores": np.array([[0.3, 0.6, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1]])}


def fuse(tmp_path, *experiments):
    files = [tmp_path / f"{number}.npz" for number in range(len(experiments))]
    for file, experiment in zip(files, experiments, strict=True):
        np.savez(file, **experiment)
    return fuse_scores(files)


def test_the_mean_of_the_scores_decides(tmp_path):
    # RGB alone is right on a and c, flow alone on b; their mean on a and b.
    metrics = fuse(tmp_path, RGB, FLOW)
    assert metrics["top1"] == pytest.approx(2 / 3)
    assert metrics["top5"] == 1.0
    assert metrics["videos"] == 3


def test_the_order_of_the_videos_does_not_matter(tmp_path):
    order = [2, 0, 1]
    turned = {key: values[order] for key, values in FLOW.items()}
    assert fuse(tmp_path, RGB, turned) == fuse(tmp_path, RGB, FLOW)


def test_other_test_videos_are_named(tmp_path):
    other = FLOW | {"videos": np.array(["a", "b", "d"])}
    message = r"0\.npz and .*1\.npz cannot be fused.* first \(such as c\) and 1 .* \(such as d\)"
    with pytest.raises(ValueError, match=message):
        fuse(tmp_path, RGB, other)


def test_fewer_test_videos_are_named(tmp_path):
    fewer = {key: values[:2] for key, values in FLOW.items()}
    with pytest.raises(ValueError, match=r"differ: 1 are only in the first \(such as c\); both"):
        fuse(tmp_path, RGB, fewer)


@pytest.mark.parametrize(
    "other", [{"targets": np.array([0, 2, 1])}, {"scores": np.ones((3, 4))}], ids=["labels", "size"]
)
def test_other_classes_are_refused(tmp_path, other):
    with pytest.raises(ValueError, match="their classes differ"):
        fuse(tmp_path, RGB, FLOW | other)


def test_scores_without_the_names_of_their_videos_are_refused_with_the_remedy(tmp_path):
    old = {key: RGB[key] for key in ("scores", "targets")}
    with pytest.raises(ValueError, match=r"0\.npz does not name its videos; delete it and eval"):
        fuse(tmp_path, old, FLOW)
