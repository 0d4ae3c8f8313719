"""Shapes, heads and context of the 3D ResNets."""

import pytest
import torch
from torch.nn import functional as F

from optplan.networks.resnet3d import fused_scores, head_loss, pool_time
from optplan.networks.zoo import build_network

torch.set_num_threads(1)


def small_network(name="dg_p3d", **options):
    torch.manual_seed(0)
    return build_network(name, "small", num_classes=5, **options)


def test_dg_p3d_has_the_feature_maps_of_the_paper_s_figure_3():
    with torch.device("meta"):
        network = build_network("dg_p3d", "resnet50", num_classes=400).eval()
        clip = torch.empty(1, 3, 16, 224, 224)
    shapes = {}
    for name, module in network.named_modules():
        module.register_forward_hook(
            lambda _module, _inputs, output, name=name: shapes.update({name: tuple(output.shape)})
        )
    network(clip)
    assert shapes["stem.relu"] == (1, 64, 4, 112, 112)
    assert shapes["stem"] == (1, 64, 4, 56, 56)
    assert shapes["res2"] == (1, 256, 4, 56, 56)
    assert shapes["res3"] == (1, 512, 4, 28, 28)
    assert shapes["res4"] == (1, 1024, 4, 14, 14)
    assert shapes["heads.temporal.res5"] == (1, 2048, 4, 7, 7)
    assert shapes["heads.spatial.res5"] == (1, 2048, 1, 14, 14)
    assert shapes[""] == (1, 2, 400)


@pytest.mark.parametrize(
    ("name", "blocks", "heads"),
    [
        ("p3d", "A", 1),
        ("g_p3d", "A", 1),
        ("dg_p3d", "A", 2),
        ("dg_p3d", "ABC", 2),
        ("i3d", "A", 1),
    ],
)
@pytest.mark.parametrize("frames", [4, 7, 8, 12, 20])
def test_every_clip_of_at_least_four_frames_is_scored_and_trains_every_weight(
    name, blocks, heads, frames
):
    network = small_network(name, blocks=blocks, dropout=0.0)
    logits = network(torch.randn(2, 3, frames, 32, 32))
    assert logits.shape == (2, heads, 5)
    head_loss(logits, torch.tensor([0, 4])).backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


def test_frames_beyond_a_multiple_of_four_are_ignored():
    network = small_network().eval()
    clips = torch.randn(2, 3, 11, 32, 32)
    torch.testing.assert_close(network(clips), network(clips[:, :, :8]))


@pytest.mark.parametrize("shape", [(2, 3, 3, 32, 32), (2, 2, 8, 32, 32), (3, 8, 32, 32)])
def test_a_clip_of_a_wrong_shape_is_refused_with_the_right_one(shape):
    with pytest.raises(ValueError, match=r"\(B, C, T, H, W\) with C = 3 and T >= 4"):
        small_network()(torch.randn(shape))


def test_time_is_pooled_by_four():
    x = torch.randn(2, 3, 8, 5, 5)
    assert torch.equal(pool_time(x), F.max_pool3d(x, (4, 1, 1)))


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_fewer_than_four_time_steps_are_pooled_together(steps):
    x = torch.randn(2, 3, steps, 5, 5)
    assert torch.equal(pool_time(x), x.amax(2, keepdim=True))


def test_a_short_last_window_in_time_is_pooled_by_itself():
    x = torch.randn(2, 3, 6, 5, 5)
    assert torch.equal(pool_time(x), torch.stack([x[:, :, :4].amax(2), x[:, :, 4:].amax(2)], 2))


@pytest.mark.parametrize(("name", "blocks"), [("p3d", "A"), ("p3d", "ABC"), ("i3d", "A")])
def test_the_order_of_time_steps_matters(name, blocks):
    network = small_network(name, blocks=blocks).eval().double()
    clips = torch.randn(2, 3, 16, 32, 32, dtype=torch.float64)
    swapped = clips.unflatten(2, (4, 4)).flip(2).flatten(2, 3)  # order inside the stem is kept
    assert (network(clips) - network(swapped)).abs().max() > 1e-6


def test_global_context_changes_nothing_until_it_is_trained():
    plain, context = small_network("p3d").eval(), small_network("g_p3d").eval()
    context.load_state_dict(plain.state_dict(), strict=False)
    clips = torch.randn(2, 3, 8, 32, 32)
    before = context(clips)
    torch.testing.assert_close(before, plain(clips))
    head_loss(before, torch.tensor([0, 1])).backward()
    torch.optim.SGD(context.res2[0].context.parameters(), lr=1.0).step()
    assert (context(clips) - before).abs().max() > 1e-4


def test_the_loss_is_the_sum_and_the_score_the_mean_over_the_heads():
    logits, labels = torch.randn(4, 2, 5), torch.tensor([0, 1, 4, 2])
    first, second = logits.unbind(1)
    loss = F.cross_entropy(first, labels) + F.cross_entropy(second, labels)
    torch.testing.assert_close(head_loss(logits, labels), loss)
    scores = fused_scores(logits)
    torch.testing.assert_close(scores, (first.softmax(1) + second.softmax(1)) / 2)
    torch.testing.assert_close(scores.sum(1), torch.ones(4))


def test_dropout_acts_in_every_head_and_only_in_training():
    network = small_network(dropout=0.5)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.eval()
    clips = torch.randn(2, 3, 8, 32, 32)
    assert ((network(clips) - network(clips)).abs().amax((0, 2)) > 1e-4).all()
    network.eval()
    assert torch.equal(network(clips), network(clips))
