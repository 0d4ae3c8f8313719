"""The folded convolutions against torch's 3D convolution with the same weights."""

import pytest
import torch
from torch import nn

from optplan.networks.convolutions import (
    SpatialConv,
    StemConv,
    TemporalConv,
    clips_of,
    frames_of,
)

torch.set_num_threads(1)

CASES = {
    "spatial 3x3": (lambda: SpatialConv(5, 7, 3), (2, 5, 4, 9, 8)),
    "spatial 3x3, stride 2": (lambda: SpatialConv(5, 7, 3, 2), (2, 5, 3, 9, 8)),
    "spatial 1x1, stride 2": (lambda: SpatialConv(5, 7, 1, 2), (2, 5, 1, 9, 8)),
    "temporal": (lambda: TemporalConv(6, 6), (2, 6, 4, 5, 3)),
    "temporal, two steps": (lambda: TemporalConv(6, 6), (2, 6, 2, 5, 3)),
    "temporal, one step": (lambda: TemporalConv(6, 6), (2, 6, 1, 5, 3)),
    "temporal, stride 2": (lambda: TemporalConv(5, 7, 2), (2, 5, 4, 9, 8)),
    "temporal, stride 2, one step": (lambda: TemporalConv(5, 7, 2), (2, 5, 1, 9, 8)),
    "stem": (lambda: StemConv(3, 8), (2, 3, 16, 20, 18)),
    "stem, shortest clip": (lambda: StemConv(3, 8), (2, 3, 4, 20, 18)),
    "stem, odd frames, flow": (lambda: StemConv(2, 8), (1, 2, 11, 20, 18)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
def test_a_folded_convolution_equals_the_3d_convolution(case, layout):
    torch.manual_seed(0)
    make, shape = CASES[case]
    folded = make().double()
    x = torch.randn(shape, dtype=torch.float64).contiguous(memory_format=layout).requires_grad_()

    got, plain = folded(x), nn.Conv3d.forward(folded, x)
    torch.testing.assert_close(got, plain)

    towards = torch.randn_like(plain)
    inputs = (x, folded.weight)
    gradients = torch.autograd.grad(got, inputs, towards)
    torch.testing.assert_close(gradients, torch.autograd.grad(plain, inputs, towards))


def test_folding_and_unfolding_copy_nothing():
    x = torch.randn(2, 5, 4, 9, 8).contiguous(memory_format=torch.channels_last_3d)
    frames = frames_of(x)
    assert frames.shape == (8, 5, 9, 8)
    assert frames.is_contiguous(memory_format=torch.channels_last)
    assert frames.data_ptr() == clips_of(frames, 2).data_ptr() == x.data_ptr()
    assert torch.equal(clips_of(frames, 2), x)
    assert x.flatten(3).data_ptr() == x.data_ptr()
    assert x.flatten(3).is_contiguous(memory_format=torch.channels_last)
