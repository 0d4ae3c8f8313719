"""Initial weights from files of every layout, and by name."""

import hashlib
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
import torchvision

from optplan.networks.blocks import bottleneck_branch
from optplan.networks.inflate import inflate_state_dict
from optplan.networks.resnet3d import VARIANTS, Body, ResNet3D
from optplan.networks.weights import (
    fetch,
    imagenet_file,
    load_initial_weights,
    read_state_dict,
    released_name,
)
from optplan.networks.zoo import build_network
from optplan.training.jobs import initialise

torch.set_num_threads(1)
CLASSES = 5


def network_of(seed, name="dg_p3d", body="small", *, num_classes=CLASSES, **options):
    """A network whose parameters are all random, those of the global context too."""
    torch.manual_seed(seed)
    network = build_network(name, body, num_classes=num_classes, **options)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5)
    return network


def saved(content, folder, name="weights.pt"):
    torch.save(content, folder / name)
    return folder / name


def differing(network, weights):
    """Names of the tensors of `network` that are not those of `weights`."""
    state = network.state_dict()
    assert state.keys() == weights.keys()
    return {n for n in state if not torch.equal(state[n].to(weights[n].dtype), weights[n])}


@pytest.fixture(scope="module")
def resnet18():
    torch.manual_seed(0)
    return torchvision.models.resnet18(num_classes=CLASSES).state_dict()


@pytest.mark.parametrize("name", ["p3d", "dg_p3d"])
@pytest.mark.parametrize("blocks", ["A", "ABC"])
def test_a_checkpoint_of_the_same_classes_is_taken_over_whole(name, blocks, tmp_path):
    weights = network_of(1, name, blocks=blocks).state_dict()
    network = network_of(2, name, blocks=blocks)
    load_initial_weights(network, saved(weights, tmp_path))
    assert differing(network, weights) == set()


def test_a_checkpoint_of_other_classes_leaves_every_classifier_as_it_is(tmp_path):
    weights = network_of(1, num_classes=400).state_dict()
    network, fresh = network_of(2), network_of(2).state_dict()
    load_initial_weights(network, saved(weights, tmp_path))
    classifiers = {f"heads.{h}.fc.{p}" for h in ("temporal", "spatial") for p in ("weight", "bias")}
    state = network.state_dict()
    for name in state:
        assert torch.equal(state[name], (fresh if name in classifiers else weights)[name]), name


@pytest.mark.parametrize(
    ("own", "missing", "left_over"),
    [
        ({"name": "p3d"}, "res2.0.context.fc1.weight", None),
        ({"body": "resnet18"}, None, "res2.1.branch.conv1.spatial.weight"),
        ({"blocks": "ABC"}, "res3.0.branch.conv1.temporal.weight", "res3.0.branch.conv1.plus."),
    ],
)
def test_a_checkpoint_of_another_network_is_refused_with_all_that_does_not_fit(
    own, missing, left_over, tmp_path
):
    other = {"name": "dg_p3d", "body": "small"} | own
    with torch.device("meta"):
        names = build_network(num_classes=CLASSES, **other).state_dict()
    file = saved({name: torch.zeros(tensor.shape) for name, tensor in names.items()}, tmp_path)
    network = network_of(2)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(ValueError, match=r"weights\.pt does not fit the network or its") as error:
        load_initial_weights(network, file)
    assert missing is None or f"\n{missing} is missing" in str(error.value)
    assert left_over is None or f"\n{left_over}" in str(error.value)
    assert differing(network, before) == set()


def test_a_2d_resnet_is_inflated(tmp_path, resnet18):
    network, expected = network_of(1, "p3d", "resnet18"), network_of(1, "p3d", "resnet18")
    inflate_state_dict(expected, resnet18)
    load_initial_weights(network, saved(resnet18, tmp_path))
    assert differing(network, expected.state_dict()) == set()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda weights: weights,
        lambda weights: {"state_dict": weights, "epoch": 3, "arch": "resnet18"},
        lambda weights: {"model": {f"module.{n}": t for n, t in weights.items()}, "opt": {"a": 1}},
    ],
    ids=["torchvision and timm", "timm's training", "the released code's training"],
)
def test_a_state_dict_is_found_however_it_is_wrapped(wrap, tmp_path):
    weights = {"conv1.weight": torch.randn(2, 3, 7, 7), "fc.bias": torch.randn(5)}
    read = read_state_dict(saved(wrap(weights), tmp_path))
    assert read.keys() == weights.keys()
    assert all(torch.equal(read[name], weights[name]) for name in weights)


def test_a_2d_resnet_of_another_body_is_refused_by_name(tmp_path, resnet18):
    with pytest.raises(ValueError, match=r"resnet18\.pth does not fit .*\n(.*\n)*.*left over"):
        load_initial_weights(network_of(1, "p3d"), saved(resnet18, tmp_path, "resnet18.pth"))


@pytest.mark.parametrize(
    ("own", "released"),
    [
        ("stem.conv.weight", "conv1.weight"),
        ("stem.bn.running_var", "bn1.running_var"),
        ("res2.0.branch.conv1.weight", "layer1.0.conv1.weight"),
        ("res2.0.branch.conv2.spatial.weight", "layer1.0.conv2.weight"),
        ("res2.0.branch.conv2.temporal.weight", "layer1.0.conv2_t.weight"),
        ("res2.1.branch.conv2.plus.weight", "layer1.1.conv2_t.weight"),
        ("res2.2.branch.plus2.weight", "layer1.2.conv2_t.weight"),
        ("res3.0.shortcut.bn.bias", "layer2.0.downsample.1.bias"),
        ("res4.0.context.fc2.bias", "layer3.0.fc2.bias"),
        ("heads.temporal.res5.0.branch.conv3.weight", "layer4.0.conv3.weight"),
        ("heads.spatial.res5.0.branch.conv3.weight", "layer4_dual.0.conv3.weight"),
        ("heads.temporal.fc.weight", "fc.weight"),
        ("heads.spatial.fc.bias", "fc_dual.bias"),
    ],
)
def test_names_of_the_released_code_s_3d_networks(own, released):
    assert released_name(own) == released


def released_checkpoint(network):
    """A checkpoint with the released code's names and wrapping."""
    weights = {f"module.{released_name(n)}": t for n, t in network.state_dict().items()}
    assert len(weights) == len(network.state_dict())
    return {"model": weights, "opt": {"network": {"early_stride": 4}}, "epoch": 7}


def bottlenecks_of(seed, blocks):
    """A DG-P3D of four thin bottlenecks, one a stage."""
    torch.manual_seed(seed)
    body = Body(bottleneck_branch, (1, 1, 1, 1), widths=(8, 8, 16, 16), expansion=4)
    options = {"num_classes": CLASSES, "in_channels": 3, "dropout": 0.5}
    return ResNet3D(body, VARIANTS["dg_p3d"], blocks=blocks, **options)


def test_a_3d_network_of_the_released_code_is_taken_over_whole(tmp_path):
    trained, network = bottlenecks_of(1, "ABC"), bottlenecks_of(2, "ABC")
    load_initial_weights(network, saved(released_checkpoint(trained), tmp_path))
    assert differing(network, trained.state_dict()) == set()


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (bottlenecks_of(1, "A"), "set network.blocks to ABC"),
        (network_of(1, blocks="ABC"), "its blocks B differ"),
    ],
)
def test_a_3d_network_of_the_released_code_with_other_blocks_is_refused(network, message, tmp_path):
    with pytest.raises(ValueError, match=rf"weights\.pt does not fit .*\n.*{message}"):
        load_initial_weights(network, saved(released_checkpoint(network), tmp_path))


def test_names_of_no_known_layout_are_refused_with_what_was_expected_and_found(tmp_path):
    file = saved({"blocks.0.attn.weight": torch.zeros(2)}, tmp_path, "vit.pt")
    message = r"vit\.pt does(.|\n)*expected .*stem\.conv\.weight.*conv1\.weight.*found blocks\.0"
    with pytest.raises(ValueError, match=message):
        load_initial_weights(network_of(1), file)


def test_a_file_that_holds_no_weights_is_refused_by_name(tmp_path):
    text, empty = tmp_path / "text.pth", tmp_path / "empty.pth"
    text.write_text("weights")
    empty.touch()
    files = [tmp_path / "no.pth", text, empty]
    files += [saved({"epoch": 3}, tmp_path, "epoch.pth"), saved({}, tmp_path, "nothing.pth")]
    for file in [*files, saved([torch.zeros(1)], tmp_path, "list.pth")]:
        with pytest.raises(ValueError, match=rf"{file.name} (cannot be read|holds no state dict)"):
            read_state_dict(file)


def test_a_file_with_objects_in_it_is_refused_without_running_them(tmp_path):
    file = saved({"state_dict": {}, "args": SimpleNamespace(lr=0.1)}, tmp_path, "timm.pth")
    message = r"timm\.pth cannot be read .*more than tensors and plain values.*model\.state_dict"
    with pytest.raises(ValueError, match=message):
        read_state_dict(file)


def published_file(folder, content=b"weights"):
    """A file:// address whose name ends as torchvision's do."""
    folder.mkdir()
    file = folder / f"resnet18-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    file.write_bytes(content)
    return file


def test_weights_are_fetched_once_and_then_found(tmp_path):
    source = published_file(tmp_path / "source")
    file = fetch(source.as_uri(), tmp_path / "hub" / "checkpoints")
    assert file.read_bytes() == b"weights"
    source.unlink()
    assert fetch(source.as_uri(), file.parent) == file


def test_a_damaged_download_is_refused_and_not_kept(tmp_path):
    source = published_file(tmp_path / "source")
    source.write_bytes(b"half")
    with pytest.raises(ValueError, match=r"cannot be downloaded \(invalid hash value"):
        fetch(source.as_uri(), tmp_path / "hub")
    assert not list((tmp_path / "hub").iterdir())


def test_a_damaged_file_of_an_earlier_download_is_refused_by_name(tmp_path):
    source = published_file(tmp_path / "source")
    file = fetch(source.as_uri(), tmp_path / "hub")
    file.write_bytes(b"half")
    with pytest.raises(ValueError, match=rf"{file.name} is damaged: .*; delete it"):
        fetch(source.as_uri(), tmp_path / "hub")


def test_offline_the_manual_route_is_told(tmp_path):
    url = (tmp_path / "resnet18-f37072fd.pth").as_uri()
    message = rf"{url} cannot be downloaded .*copy it to {tmp_path}/hub/resnet18.*network\.weights"
    with pytest.raises(ValueError, match=message):
        fetch(url, tmp_path / "hub")


@pytest.mark.parametrize("body", ["resnet18", "resnet34", "resnet50", "resnet101"])
def test_every_resnet_has_imagenet_weights_where_torchvision_keeps_them(
    body, tmp_path, monkeypatch
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    url = torchvision.models.get_model_weights(body).IMAGENET1K_V1.url
    (folder / url.rsplit("/", 1)[-1]).write_bytes(b"half")
    with pytest.raises(ValueError, match=rf"checkpoints/{body}-\w+\.pth is damaged"):
        imagenet_file(body)


def test_the_small_body_has_no_imagenet_weights():
    with pytest.raises(ValueError, match="body 'small' has no ImageNet weights"):
        imagenet_file("small")


def test_the_initial_model_of_another_data_set_is_that_of_the_checkpoint(tmp_path):
    weights = network_of(1, num_classes=400).state_dict()
    split = tmp_path / "split.tsv"
    pd.DataFrame({"video": ["a", "b"], "target": [0, 1]}).to_csv(split, sep="\t", index=False)
    settings = {
        "name": "dg_p3d",
        "body": "small",
        "blocks": "A",
        "dropout": 0.9,
        "weights": str(saved(weights, tmp_path)),
    }
    output = tmp_path / "initial.pt"
    settings = {"modality": "rgb", "network": settings}
    initialise(SimpleNamespace(split=split), settings, seed=3, output=str(output))
    initial = torch.load(output, weights_only=True)
    assert initial["heads.spatial.fc.weight"].shape[0] == 2
    same = [n for n in weights if ".fc.weight" not in n and ".fc.bias" not in n]
    assert all(torch.equal(initial[name], weights[name]) for name in same)
