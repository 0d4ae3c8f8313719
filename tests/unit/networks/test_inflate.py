"""Inflated networks against the 2D networks that their weights come from."""

import copy
from collections import Counter
from functools import cache

import pytest
import torch
import torchvision
from torch import nn

from optplan.networks.inflate import inflate_state_dict, torchvision_name
from optplan.networks.zoo import build_network

torch.set_num_threads(1)
CLASSES = 10


@cache
def resnet2d(body):
    """A torchvision ResNet with random weights and random batch normalisation."""
    torch.manual_seed(0)
    network = torchvision.models.get_model(body, num_classes=CLASSES).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.2, 0.6)
            nn.init.normal_(module.bias, std=0.1)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
    return network


def inflated(name, body, *, num_classes=CLASSES, **options):
    torch.manual_seed(1)
    network = build_network(name, body, num_classes=num_classes, **options).eval()
    inflate_state_dict(network, resnet2d(body).state_dict())
    return network


@torch.no_grad()
def features_and_logits(network, stage, x):
    """What `stage` gives inside network(x), and the logits."""
    features = []
    hook = stage.register_forward_hook(lambda _module, _inputs, output: features.append(output))
    logits = network(x)
    hook.remove()
    return features[0], logits


def assert_same(got, expected):
    torch.testing.assert_close(got / expected.abs().max(), expected / expected.abs().max())


@pytest.mark.parametrize(
    ("name", "body", "blocks"),
    [
        ("p3d", "resnet50", "ABC"),
        ("p3d", "resnet101", "A"),
        ("g_p3d", "resnet18", "ABC"),
        ("i3d", "resnet50", "A"),
        ("dg_p3d", "resnet18", "A"),
        ("dg_p3d", "resnet34", "ABC"),
        ("dg_p3d", "resnet50", "A"),
    ],
)
def test_a_still_clip_gives_the_features_and_logits_of_the_2d_network(name, body, blocks):
    network, image = inflated(name, body, blocks=blocks), torch.randn(1, 3, 40, 40)
    clip = image[:, :, None].expand(-1, -1, 12, -1, -1)
    reference = resnet2d(body)
    expected, expected_logits = features_and_logits(reference, reference.layer4, image)
    features, logits = features_and_logits(network, network.heads["temporal"].res5, clip)
    assert features.shape[2] == 3
    assert_same(features, expected[:, :, None].expand_as(features))
    assert_same(logits[:, 0], expected_logits)
    if name == "dg_p3d":
        assert_spatial_head_equals_resnet_of_stride_1(network, reference, image, clip)


def assert_spatial_head_equals_resnet_of_stride_1(network, reference, image, clip):
    reference = copy.deepcopy(reference)
    for module in reference.layer4.modules():
        if isinstance(module, nn.Conv2d):
            module.stride = (1, 1)
    expected, expected_logits = features_and_logits(reference, reference.layer4, image)
    features, logits = features_and_logits(network, network.heads["spatial"].res5, clip)
    assert features.shape[2:] == (1, 3, 3)
    assert_same(features[:, :, 0], expected)
    assert_same(logits[:, 1], expected_logits)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        *((name, "resnet50") for name in ("p3d", "g_p3d", "i3d")),
        *(("dg_p3d", body) for body in ("resnet18", "resnet34", "resnet50", "resnet101")),
    ],
)
def test_every_tensor_of_the_2d_network_is_used_once_and_once_more_by_a_second_head(name, body):
    blocks = "A" if name == "i3d" else "ABC"
    with torch.device("meta"):
        network = build_network(name, body, blocks=blocks, num_classes=CLASSES)
        expected = Counter(torchvision.models.get_model(body, num_classes=CLASSES).state_dict())
    for source in expected:
        twice = name == "dg_p3d" and source.startswith(("layer4.", "fc."))
        expected[source] = 2 if twice else 1
    others = (".temporal.weight", ".plus.weight", ".plus1.weight", ".plus2.weight")
    own = [n for n in network.state_dict() if ".context." not in n and not n.endswith(others)]
    assert Counter(map(torchvision_name, own)) == expected


def test_each_filter_sits_on_the_centre_tap():
    network, reference = inflated("i3d", "resnet18"), resnet2d("resnet18")
    stem = network.stem.conv.weight
    assert torch.equal(stem[:, :, 2], reference.conv1.weight)
    assert stem.count_nonzero() == reference.conv1.weight.count_nonzero()
    conv = network.res2[0].branch.conv1.weight
    assert torch.equal(conv[:, :, 1], reference.layer1[0].conv1.weight)
    assert conv[:, :, ::2].count_nonzero() == 0


def test_a_flow_stem_answers_equal_channels_as_the_rgb_stem_does():
    grey = torch.randn(1, 1, 8, 64, 64)
    rgb, flow = inflated("p3d", "resnet18"), inflated("p3d", "resnet18", in_channels=2)
    with torch.no_grad():
        assert_same(flow(grey.expand(-1, 2, -1, -1, -1)), rgb(grey.expand(-1, 3, -1, -1, -1)))


def test_the_classifier_stays_random_when_the_number_of_classes_differs():
    torch.manual_seed(1)
    fresh = build_network("dg_p3d", "resnet18", num_classes=CLASSES + 1).state_dict()
    network = inflated("dg_p3d", "resnet18", num_classes=CLASSES + 1).state_dict()
    for head in ("temporal", "spatial"):
        assert torch.equal(network[f"heads.{head}.fc.weight"], fresh[f"heads.{head}.fc.weight"])
        assert torch.equal(network[f"heads.{head}.fc.bias"], fresh[f"heads.{head}.fc.bias"])


def test_missing_left_over_and_misshapen_tensors_are_all_listed_and_nothing_changes():
    weights = dict(resnet2d("resnet18").state_dict())
    del weights["layer4.1.conv2.weight"]
    weights["layer5.weight"] = torch.zeros(1)
    weights["bn1.bias"] = torch.zeros(65)
    network = build_network("dg_p3d", "resnet18", num_classes=CLASSES)
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(ValueError, match="is missing") as error:
        inflate_state_dict(network, weights)
    message = str(error.value)
    for head in ("temporal", "spatial"):
        name = f"heads.{head}.res5.1.branch.conv2.spatial.weight"
        assert f"layer4.1.conv2.weight is missing (for {name})" in message
    assert "layer5.weight is left over" in message
    assert "bn1.bias does not fit: it is (65,), stem.bn.bias is (64,)" in message
    assert message.count("\n") == 3
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_weights_of_another_body_are_refused():
    network = build_network("p3d", "resnet18", num_classes=CLASSES)
    with pytest.raises(ValueError, match=r"layer1\.2\.conv1\.weight is left over"):
        inflate_state_dict(network, resnet2d("resnet34").state_dict())


def test_weights_without_batch_counters_as_in_old_files_are_accepted():
    weights = resnet2d("resnet18").state_dict()
    old = {name: weights[name] for name in weights if not name.endswith("num_batches_tracked")}
    network = build_network("p3d", "resnet18", num_classes=CLASSES)
    inflate_state_dict(network, old)
    assert torch.equal(network.stem.bn.running_var, weights["bn1.running_var"])
