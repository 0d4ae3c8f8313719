"""The residual blocks: what each kind computes, and which block is of which kind."""

import pytest
import torch
from torch.nn import functional as F

from optplan.networks.blocks import GlobalContext, basic_branch, bottleneck_branch
from optplan.networks.convolutions import PlusTemporal, SpatialPlusTemporal
from optplan.networks.zoo import build_network

torch.set_num_threads(1)


def conv(x, weight, stride=1):
    """A convolution of torch's that keeps time and, but for its stride, space."""
    padding = tuple(size // 2 for size in weight.shape[2:])
    return F.conv3d(x, weight, stride=(1, stride, stride), padding=padding)


def bottleneck_of_kind(kind, weights, norms, x):
    """The branch of a bottleneck block as the P3D paper and its released code have it."""
    x = norms[0](conv(x, weights[0])).relu()
    spatial, temporal, stride = weights[1], weights[2], 2
    if kind == "A":
        x = norms[1](conv(conv(x, spatial, stride), temporal)).relu()
    elif kind == "B":
        x = norms[1](conv(x, spatial, stride) + conv(x, temporal, stride)).relu()
    else:
        x = norms[1](conv(x, spatial, stride)).relu()
        x = (x + conv(x, temporal)).relu()
    return norms[2](conv(x, weights[3]))


def basic_of_kind(kind, weights, norms, x):
    """The same of a block with two 3 x 3 convolutions, each made time-aware by itself."""
    for number, (stride, relu) in enumerate([(2, F.relu), (1, lambda x: x)]):
        spatial, temporal = weights[2 * number : 2 * number + 2]
        if kind == "A":
            x = relu(norms[number](conv(conv(x, spatial, stride), temporal)))
        elif kind == "B":
            x = relu(norms[number](conv(x, spatial, stride) + conv(x, temporal, stride)))
        else:
            x = relu(norms[number](conv(x, spatial, stride)))
            x = relu(x + conv(x, temporal))
    return x


@pytest.mark.parametrize("kind", ["A", "B", "C"])
@pytest.mark.parametrize(
    ("build", "reference"),
    [(bottleneck_branch, bottleneck_of_kind), (basic_branch, basic_of_kind)],
)
def test_a_branch_computes_what_its_kind_says(build, reference, kind):
    torch.manual_seed(0)
    branch = build(kind, 6, 4, 2).double()
    x = torch.randn(2, 6, 3, 7, 7, dtype=torch.float64)
    branch(x)  # in training mode, for other statistics than 0 and 1
    branch.eval()
    weights = [weight for weight in branch.parameters() if weight.dim() == 5]
    norms = [module for module in branch.modules() if hasattr(module, "running_mean")]
    torch.testing.assert_close(branch(x), reference(kind, weights, norms, x))


@pytest.mark.parametrize("body", ["resnet18", "resnet50"])
def test_abc_counts_its_blocks_through_all_stages(body):
    with torch.device("meta"):
        network = build_network("dg_p3d", body, blocks="ABC", num_classes=5)
    heads = network.heads
    for last in (heads["temporal"].res5, heads["spatial"].res5):
        stages = (network.res2, network.res3, network.res4, last)
        kinds = "".join(kind_of(block) for stage in stages for block in stage)
        assert kinds == ("ABC" * 6)[: len(kinds)]


def test_a_is_the_default_everywhere():
    with torch.device("meta"):
        network = build_network("dg_p3d", "resnet50", num_classes=5)
    kinds = {kind_of(m) for m in network.modules() if type(m).__name__ == "ResidualBlock"}
    assert kinds == {"A"}


def kind_of(block):
    types = {type(module) for module in block.modules()}
    if PlusTemporal in types:
        return "C"
    return "B" if SpatialPlusTemporal in types else "A"


def test_global_context_adds_one_vector_per_clip_made_from_its_average():
    torch.manual_seed(0)
    context = GlobalContext(8)
    torch.nn.init.ones_(context.fc1.bias)  # so that no unit is silent
    torch.nn.init.normal_(context.fc2.weight)
    x = torch.randn(2, 8, 3, 4, 5)
    added = context(x.clone()) - x
    expected = context.fc2(context.fc1(x.mean((2, 3, 4))).relu())
    torch.testing.assert_close(added, expected[:, :, None, None, None].expand_as(added))
    assert (added[0] - added[1]).abs().max() > 1e-3
