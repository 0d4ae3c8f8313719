import numpy as np
import pandas as pd
import pytest
import torch

from optplan.networks.resnet3d import fused_scores
from optplan.networks.zoo import build_network
from optplan.training.devices import Rank
from optplan.training.evaluation import (
    Remembered,
    score_pieces,
    score_videos,
    top_k,
    view_pieces,
)
from optplan.video.clips import ViewClips
from optplan.video.sampling import ClipSpec
from optplan.video.transforms import normalise


class Arrays:
    """Videos (N, T, H, W, 3) in memory."""

    def __init__(self, videos):
        self.videos = videos

    def clip(self, row, indices):
        return self.videos[row][indices]


@pytest.fixture(scope="module")
def network():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return build_network("dg_p3d", "small", num_classes=3)


@pytest.fixture(scope="module")
def views():
    rng = np.random.default_rng(0)
    videos = rng.integers(0, 256, (5, 9, 16, 24, 3), dtype=np.uint8)
    table = pd.DataFrame({"frames": 9, "target": [2, 0, 1, 1, 2]})
    spec = ClipSpec(sampling="cs", length=4)
    scale = {"short_side": 16, "crop": 16, "num_clips": 2, "num_crops": 3}
    return ViewClips(Arrays(videos), table, np.arange(5), spec, **scale)


def test_the_scores_are_probabilities_of_every_video_once_and_in_order(network, views):
    scores, targets = score_videos(network, views, batch_size=12)
    assert scores.shape == (5, 3)
    assert targets.tolist() == [2, 0, 1, 1, 2]
    np.testing.assert_allclose(scores.sum(1), 1, rtol=1e-5)
    assert scores.min() >= 0


def test_the_score_of_a_video_is_the_mean_over_its_views_and_heads(network, views):
    scores, _ = score_videos(network, views, batch_size=12)
    with torch.inference_mode():
        each = [fused_scores(network(normalise(clip[None])))[0] for clip in views.views(3)]
    np.testing.assert_allclose(scores[3], torch.stack(each).mean(0), atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 4, 6, 100])
def test_the_batch_size_does_not_change_the_scores(network, views, batch_size):
    expected, _ = score_videos(network, views, batch_size=12)
    scores, _ = score_videos(network, views, batch_size=batch_size)
    np.testing.assert_allclose(scores, expected, atol=1e-5)


@pytest.mark.parametrize("workers", [0, 2])
def test_clips_that_fit_into_memory_are_decoded_once(network, views, workers, monkeypatch):
    pieces = view_pieces(views, batch_size=12, rank=Rank(), workers=workers)
    remembered = Remembered(pieces)
    first, _ = score_pieces(network, views, remembered, rank=Rank())
    monkeypatch.setattr(pieces.dataset, "groups", None)  # whoever asks again fails
    again, _ = score_pieces(network, views, remembered, rank=Rank())
    np.testing.assert_array_equal(again, first)
    assert not any(clips.is_shared() for _, _, clips in remembered)
    with pytest.raises(TypeError):
        score_pieces(network, views, pieces, rank=Rank())


def test_clips_that_do_not_fit_are_decoded_every_time(network, views):
    pieces = view_pieces(views, batch_size=12, rank=Rank(), workers=0)
    size = sum(clips.nbytes for _, _, clips in pieces)
    for limit, kept in ((size, True), (size - 1, False)):
        remembered = Remembered(pieces, limit=limit)
        assert len(list(remembered)) == len(list(pieces))
        assert (remembered.kept is not None) == kept


def test_scoring_leaves_the_weights_and_statistics_alone(network, views):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.train()
    score_videos(network, views, batch_size=12)
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())


def test_top_k_counts_targets_among_the_highest_scores():
    scores = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.6, 0.3, 0.1], [0.2, 0.5, 0.3]])
    targets = np.array([0, 1, 2, 2])
    assert [top_k(scores, targets, k) for k in (1, 2, 3)] == [0.25, 0.75, 1.0]


def test_a_tie_counts_against_the_video():
    assert top_k(np.array([[0.5, 0.5, 0.0]]), np.array([0])) == 0.0
    assert top_k(np.array([[0.5, 0.5, 0.0]]), np.array([0]), 2) == 1.0
    assert top_k(np.full((4, 4), 0.25), np.arange(4), 3) == 0.0


def test_scores_that_are_no_numbers_count_against_the_video():
    assert top_k(np.full((2, 3), np.nan), np.array([0, 1]), 2) == 0.0
