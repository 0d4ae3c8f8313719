"""How fast DG-P3D trains beside other 3D ConvNets, and beside itself with plain 3D convolutions.

    OMP_NUM_THREADS=1 python benchmarks/networks.py [--frames T] [--size S] [--batch B]

Prints a Markdown table. A step is what training does: forward in bfloat16 autocast on a GPU and in
float32 on a CPU, sum of cross-entropies, backward, clipped gradient, SGD with Nesterov momentum.
The networks take turns, so that a machine that slows down slows them all down.
"""

import argparse
import resource
import statistics
import time
from importlib.util import find_spec
from multiprocessing import get_context

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import video

from optplan.networks.resnet3d import head_loss
from optplan.networks.zoo import build_network

CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")
NUM_CLASSES = 400
DG_P3D, PLAIN = "DG-P3D", "DG-P3D, plain Conv3d"
SLOWFAST = "SlowFast R-50"
TORCHVISION = ("r2plus1d_18", "r3d_18", "mc3_18", "s3d")


class OneHead(nn.Module):
    """A network of torchvision's with its logits (B, K) as those of one head, (B, 1, K)."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, clips: Tensor) -> Tensor:
        return self.network(clips).unsqueeze(1)


class SlowFast(nn.Module):
    """pytorchvideo's SlowFast R-50 (alpha 4), pooled over clips of this size; logits (B, 1, K)."""

    def __init__(self, frames: int, size: int):
        super().__init__()
        from pytorchvideo.models.slowfast import create_slowfast

        side = size // 32
        pools = ((frames // 4, side, side), (frames, side, side))
        self.network = create_slowfast(model_num_class=NUM_CLASSES, head_pool_kernel_sizes=pools)

    def forward(self, clips: Tensor) -> Tensor:
        return self.network([clips[:, :, ::4].contiguous(), clips]).unsqueeze(1)


def plain(network: nn.Module) -> nn.Module:
    """The same network with `nn.Conv3d.forward` in place of the convolutions folded to 2D."""
    for module in network.modules():
        if isinstance(module, nn.Conv3d):
            module.__class__ = nn.Conv3d
    return network


def build(name: str, body: str, layout: str, shape: tuple) -> nn.Module:
    """A network of the table with random weights, for clips of `shape` (B, 3, T, H, W).

    `layout` is that of all but the folded DG-P3D.
    """
    if name == DG_P3D:
        return build_network("dg_p3d", body, num_classes=NUM_CLASSES)
    if name == PLAIN:
        network = plain(build_network("dg_p3d", body, num_classes=NUM_CLASSES))
    elif name == SLOWFAST:
        network = SlowFast(shape[2], shape[3])
    else:
        network = OneHead(getattr(video, name)(num_classes=NUM_CLASSES))
        if name == "s3d":
            network.network.avgpool = nn.Identity()  # fixed to 16 x 224 x 224; a mean follows
    return network.to(memory_format=getattr(torch, layout))


class Training:
    """A network that is trained on one batch of noise again and again."""

    def __init__(self, network: nn.Module, shape: tuple):
        self.network = network.to(DEVICE).train()
        self.optimiser = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9, nesterov=True)
        self.clips = torch.randn(shape, device=DEVICE)
        self.labels = torch.arange(shape[0], device=DEVICE)

    def step(self) -> float:
        """Seconds of one training step."""
        started = clock()
        self.optimiser.zero_grad(set_to_none=True)
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=CUDA):
            logits = self.network(self.clips)
        head_loss(logits.float(), self.labels).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 40)
        self.optimiser.step()
        return clock() - started


def clock() -> float:
    """Seconds; with one CPU thread those that it computes, so that others on the CPU count less."""
    if CUDA:
        torch.cuda.synchronize()
    alone = not CUDA and torch.get_num_threads() == 1
    return time.process_time() if alone else time.perf_counter()


def peak_memory(task: tuple) -> float:
    """MiB that the first two steps need: weights, momentum, gradients, activations, workspace.

    On a CPU it is the growth of the resident set, so this has to run in a process of its own.
    """
    name, body, layout, shape = task
    if CUDA:
        torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated() if CUDA else resident()
    training = Training(build(name, body, layout, shape), shape)
    for _ in range(2):
        training.step()
    return ((torch.cuda.max_memory_allocated() if CUDA else resident()) - before) / 2**20


def resident() -> int:
    """Bytes of the largest resident set so far (on Linux, which counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def peak_memories(tasks: list[tuple]) -> list[float]:
    if CUDA:
        return [peak_memory(task) for task in tasks]
    with get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        return pool.map(peak_memory, tasks, chunksize=1)


def forward_flops(name: str, body: str, shape: tuple) -> int:
    """FLOPs of one forward pass of one clip (a multiply-add is two), nothing computed."""
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        build(name, body, "contiguous_format", shape).eval()(torch.empty(1, *shape[1:]))
    return counter.get_total_flops()


def matrix_flops(side: int, repeats: int = 8) -> float:
    """FLOPs per second of a product of square matrices: the best of `repeats`.

    It is computed as such and as a 1 x 1 convolution of 16 images. On a CPU these are different
    libraries, of which the first may not use all that the processor has.
    """
    options = {"device": DEVICE, "dtype": torch.bfloat16 if CUDA else torch.float32}
    a, b = torch.randn(2, side, side, **options)
    images = torch.randn(16, side, side // 16, 1, **options).to(memory_format=torch.channels_last)
    seconds = []
    for _ in range(repeats):
        for product in (lambda: a @ b, lambda: F.conv2d(images, a[:, :, None, None])):
            started = clock()
            product()
            seconds.append(clock() - started)
    return 2 * side**3 / min(seconds)


def table(names: list[str], args: argparse.Namespace) -> str:
    """The Markdown table of the networks `names`, of which the first is compared with the rest."""
    shape = (args.batch, 3, args.frames, args.size, args.size)
    memories = peak_memories([(name, args.body, args.layout, shape) for name in names])
    trainings = [Training(build(name, args.body, args.layout, shape), shape) for name in names]
    for training in trainings:
        training.step()
    peak, seconds = matrix_flops(args.matrix), {name: [] for name in names}
    for _ in range(args.rounds):
        for name, training in zip(names, trainings, strict=True):
            seconds[name].append(training.step())
    peak = max(peak, matrix_flops(args.matrix))
    rows = [
        "| network | GFLOPs | clips/s | DG-P3D is faster by | peak memory (MiB) | utilisation |",
        "|---|---|---|---|---|---|",
    ]
    for name, memory in zip(names, memories, strict=True):
        rate = args.batch / statistics.median(seconds[name])
        ratio = statistics.median(
            other / own for own, other in zip(seconds[names[0]], seconds[name], strict=True)
        )
        flops = forward_flops(name, args.body, shape)
        cells = f"{flops / 2e9:.1f} | {rate:.2f} | {ratio:.2f} | {memory:.0f}"
        rows.append(f"| {name} | {cells} | {3 * flops * rate / peak:.0%} |")
    note = f"{args.batch} clips of {args.frames} x {args.size} x {args.size}, {args.layout}; "
    note += f"matrix product: {peak / 1e9:.0f} GFLOP/s on {device_name()}"
    return "\n".join([*rows, "", note])


def device_name() -> str:
    threads = torch.get_num_threads()
    return torch.cuda.get_device_name() if CUDA else f"a CPU, {threads} thread(s)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=16 if CUDA else 8)
    parser.add_argument("--size", type=int, default=224 if CUDA else 64)
    parser.add_argument("--batch", type=int, default=16, help="clips per step")
    parser.add_argument("--rounds", type=int, default=20 if CUDA else 3, help="timed steps of each")
    parser.add_argument("--body", default="resnet50", help="body of DG-P3D")
    parser.add_argument("--matrix", type=int, default=8192 if CUDA else 2048, help="side")
    parser.add_argument(
        "--layout",
        choices=("contiguous_format", "channels_last_3d"),
        default="contiguous_format",
        help="memory layout of all networks but the folded DG-P3D, which is channels_last_3d",
    )
    slowfast = [SLOWFAST] if find_spec("pytorchvideo") else []
    print(table([DG_P3D, PLAIN, *TORCHVISION, *slowfast], parser.parse_args()))


if __name__ == "__main__":
    main()
