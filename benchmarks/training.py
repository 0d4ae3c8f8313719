"""How fast a whole transition trains, from decoding to validation, beside a plain PyTorch loop.

    OMP_NUM_THREADS=1 python benchmarks/training.py [--frames T] [--crop S] [--body B]

Prints a Markdown table. The plain loop is what a good engineer writes in an hour: DataLoader,
decord, torchvision's transforms on whole frames, float32, `nn.Conv3d`, SGD, validation after every
epoch. Videos are rendered for it. The loops take turns, an epoch each.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import decord
import numpy as np
import torch
from networks import DEVICE, clock, device_name, plain
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2 as transforms

from optplan.networks.resnet3d import head_loss
from optplan.networks.zoo import build_network
from optplan.training.devices import Rank
from optplan.training.evaluation import Remembered, score_pieces, view_pieces
from optplan.training.steps import Steps
from optplan.video.audit import audit_videos
from optplan.video.clips import TrainingClips, ViewClips
from optplan.video.embedded import CLASSES, encode, render
from optplan.video.frames import FrameStore, VideoFiles, write_frames
from optplan.video.index import index_folder
from optplan.video.sampling import ClipSpec, training_indices, view_indices
from optplan.video.splits import split_videos
from optplan.video.transforms import MEAN, STD, normalise

SETTINGS = {
    "learning_rate": 0.01,
    "schedule": "constant",
    "batch_size": 16,
    "micro_batch": 16,
    "momentum": 0.9,
    "weight_decay": 1e-4,
    "loss_weight": 1.0,
    "clip_norm": 40.0,
    "seed": 1,
}


def write_videos(root: Path, count: int, short_side: int):
    """Videos of the set `motion`, enlarged to `short_side`; GOP 250, as most files have."""
    for label in CLASSES["motion"]:
        for number in range(count):
            rng = np.random.default_rng([number, *label.encode()])
            frames, rate = render("motion", label, rng)
            scale = -(-short_side // min(frames.shape[1:3]))
            frames = frames.repeat(scale, 1).repeat(scale, 2)
            folder = root / label
            folder.mkdir(parents=True, exist_ok=True)
            encode(folder / f"{number}.mp4", frames, rate, gop=250)


class PlainClips(Dataset):
    """Clips as in a tutorial: whole frames are decoded, made floats, resized and cropped."""

    def __init__(self, root: Path, table, spec: ClipSpec, size: tuple[int, int], *, train: bool):
        self.paths = [root / video for video in table["video"]]
        self.targets, self.spec, self.train = table["target"].tolist(), spec, train
        crop, short_side = size
        if train:
            sides = range(short_side, round(short_side * 340 / 256) + 1)
            steps = [
                transforms.RandomChoice(
                    [transforms.Resize(side, antialias=True) for side in sides]
                ),
                transforms.RandomCrop(crop),
            ]
        else:
            steps = [transforms.Resize(short_side, antialias=True), transforms.CenterCrop(crop)]
        scale = transforms.ToDtype(torch.float32, scale=True)
        self.transform = transforms.Compose([scale, *steps, transforms.Normalize(MEAN, STD)])
        self.rng = np.random.default_rng(1)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int):
        reader = decord.VideoReader(str(self.paths[number]), num_threads=1)
        if self.train:
            indices = training_indices(len(reader), self.spec, self.rng)
        else:
            indices = view_indices(len(reader), self.spec, num_clips=1)[0]
        frames = torch.from_numpy(reader.get_batch(indices).asnumpy())
        return self.transform(frames.permute(0, 3, 1, 2)).transpose(0, 1), self.targets[number]


class PlainLoop:
    """Training and validation as in a tutorial."""

    def __init__(self, root: Path, table, args: argparse.Namespace):
        spec, size = _spec(args), (args.crop, args.short_side)
        network = build_network("dg_p3d", args.body, num_classes=4)
        self.network = plain(network).to(DEVICE, memory_format=torch.contiguous_format)
        parameters = self.network.parameters()
        self.optimiser = torch.optim.SGD(
            parameters, lr=0.01, momentum=0.9, weight_decay=1e-4, nesterov=True
        )
        loading = {"batch_size": 16, "num_workers": args.workers}
        train, val = (table[table["subset"] == subset] for subset in ("train", "val"))
        self.training = DataLoader(
            PlainClips(root, train, spec, size, train=True), shuffle=True, **loading
        )
        self.validation = DataLoader(PlainClips(root, val, spec, size, train=False), **loading)

    def epoch(self):
        self.network.train()
        for clips, targets in self.training:
            self.optimiser.zero_grad()
            loss = head_loss(self.network(clips.to(DEVICE)), targets.to(DEVICE))
            loss.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 40)
            self.optimiser.step()
        self.network.eval()
        right = 0
        with torch.no_grad():
            for clips, targets in self.validation:
                scores = self.network(clips.to(DEVICE)).softmax(2).mean(1)
                right += (scores.argmax(1).cpu() == targets).sum().item()


class OurLoop:
    """What a transition does in every epoch but the fit of its curve."""

    def __init__(self, source, table, args: argparse.Namespace):
        self.rank, self.workers = Rank(device=DEVICE), args.workers
        rows = {s: np.flatnonzero(table["subset"] == s) for s in ("train", "val")}
        sides = args.short_side, round(args.short_side * 340 / 256)
        network = build_network("dg_p3d", args.body, num_classes=4).to(DEVICE)
        training = TrainingClips(
            *(source, table, rows["train"], _spec(args)),
            short_side=sides,
            crop=args.crop,
            flip=False,
            seed=1,
        )
        self.validation = ViewClips(
            *(source, table, rows["val"], _spec(args)), short_side=args.short_side, crop=args.crop
        )
        pieces = view_pieces(self.validation, batch_size=16, rank=self.rank, workers=self.workers)
        self.pieces = Remembered(pieces)
        self.steps = Steps(
            *(network, training, SETTINGS),
            rank=self.rank,
            workers=self.workers,
            compiled=args.compile,
        )
        self.number = 0

    def epoch(self):
        self.number += 1
        self.steps.train_epoch(self.number)
        score_pieces(self.steps.network, self.validation, self.pieces, rank=self.rank)


class BareSteps:
    """The same steps and validation passes as `loop`, on clips that are there already."""

    def __init__(self, loop: OurLoop, args: argparse.Namespace):
        self.loop, self.size = loop, (3, args.frames, args.crop, args.crop)

    def epoch(self):
        steps = self.loop.steps
        steps.network.train()
        for number in _batches(len(steps.training), 16):
            clips = iter([(self.clips(number), torch.zeros(number, dtype=torch.int64))])
            steps._step(clips, range(number), range(number), 0.0)
        steps.network.eval()
        cuda = DEVICE.type == "cuda"
        with torch.inference_mode(), torch.autocast(DEVICE.type, torch.bfloat16, enabled=cuda):
            for number in _batches(len(self.loop.validation), 16):
                clips = self.clips(number).to(DEVICE, non_blocking=True)
                steps.network(normalise(clips))

    def clips(self, number: int) -> torch.Tensor:
        size, cuda = (number, *self.size), DEVICE.type == "cuda"
        return torch.zeros(size, dtype=torch.uint8, pin_memory=cuda)


def _batches(total: int, size: int) -> list[int]:
    return [min(size, total - start) for start in range(0, total, size)]


def _spec(args: argparse.Namespace) -> ClipSpec:
    return ClipSpec(sampling="cs", length=args.frames)


def table_of(args: argparse.Namespace) -> str:
    """The Markdown table, from one run."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "videos")
        write_videos(root, args.videos, args.short_side)
        audit = audit_videos(index_folder(root), root, workers=2, timeout_seconds=60)
        split = split_videos(audit, seed=1)
        frames = Path(folder, "frames.npy")
        write_frames(split, root, frames, short_side=args.short_side)
        cached = FrameStore(frames, split, short_side=args.short_side)
        loops = {
            "plain loop": PlainLoop(root, split, args),
            "optplan, from the video files": OurLoop(VideoFiles(root, split), split, args),
            "optplan, `cache: true`": OurLoop(cached, split, args),
        }
        loops["forward, backward and step alone"] = BareSteps([*loops.values()][-1], args)
        seconds = {name: [] for name in loops}
        for turn in range(args.rounds + 1):
            for name, loop in loops.items():
                started = clock()
                loop.epoch()
                if turn:  # the first one warms up
                    seconds[name].append(clock() - started)
        clips = split["subset"].isin(["train", "val"]).sum()
    rows = ["| loop | clips/s | faster than the plain loop |", "|---|---|---|"]
    for name, own in seconds.items():
        ratio = median(a / b for a, b in zip(seconds["plain loop"], own, strict=True))
        rows.append(f"| {name} | {clips / median(own):.1f} | {ratio:.2f} |")
    note = (
        f"{clips} clips of {args.frames} x {args.crop} x {args.crop} an epoch, body {args.body}, "
        f"{args.workers} decoding processes, on {device_name()}"
    )
    return "\n".join([*rows, "", note])


START = """
import time
began = time.perf_counter()
import optplan.training.jobs
imported = time.perf_counter()
import torch
from optplan.networks.zoo import build_network
from optplan.training.devices import Rank
from optplan.training.steps import Steps
network = build_network("dg_p3d", "{body}", num_classes=400)
class Clips:
    def __len__(self): return 1
    def __getitem__(self, key): return torch.zeros(3, {frames}, {crop}, {crop}).byte(), 0
steps = Steps(network.to("{device}"), Clips(), {settings},
              rank=Rank(device=torch.device("{device}")), workers=0, compiled=False)
built = time.perf_counter()
steps.train_epoch(1)
print(imported - began, built - imported, time.perf_counter() - built)
"""


def start_up(args: argparse.Namespace) -> str:
    """Seconds from the start of a process to its first step, warm."""
    values = {"body": args.body, "frames": args.frames, "crop": args.crop, "device": DEVICE.type}
    code = START.format(settings=SETTINGS, **values)
    runs = []
    for _ in range(4):
        started = time.perf_counter()
        command = [sys.executable, "-c", code]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        runs.append([time.perf_counter() - started, *map(float, output.split())])
    whole, imports, network, step = (min(column) for column in zip(*runs[1:], strict=True))
    return (
        f"start-up: {whole:.1f} s in all (imports {imports:.1f} s, network and optimiser "
        f"{network:.1f} s, first step {step:.1f} s)"
    )


def main() -> None:
    cuda = DEVICE.type == "cuda"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=16 if cuda else 8)
    parser.add_argument("--crop", type=int, default=224 if cuda else 32)
    parser.add_argument("--short-side", type=int, default=256 if cuda else 36)
    parser.add_argument("--body", default="resnet50" if cuda else "small")
    parser.add_argument("--videos", type=int, default=80, help="rendered videos of each class")
    parser.add_argument("--rounds", type=int, default=3, help="timed epochs of each loop")
    parser.add_argument("--workers", type=int, default=12 if cuda else 0)
    parser.add_argument("--compile", action="store_true")
    args = parser.parse_args()
    print(table_of(args), start_up(args), sep="\n\n")


if __name__ == "__main__":
    main()
