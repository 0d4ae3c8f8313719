"""What a training clip costs on a CPU: the plain way, ours, and ours after preparing the videos.

    OMP_NUM_THREADS=1 python benchmarks/decoding.py [--videos FOLDER] [--clips N]
    python benchmarks/decoding.py --memory [--clips 10000]

Prints a Markdown table. All methods cut the same clips, of 16 frames at 224 x 224, with one thread,
and take turns, so that a machine that slows down slows them all down. Processor time is counted.
Without --videos they are rendered here: 340 x 256 pixels, 300 frames, a key frame every 250.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pandas as pd
import psutil
import torch
from torchvision.transforms.v2 import functional

from optplan.video.audit import audit_videos
from optplan.video.clips import TrainingClips
from optplan.video.embedded import encode
from optplan.video.frames import FrameStore, VideoFiles, write_frames
from optplan.video.index import VIDEO_SUFFIXES
from optplan.video.prepare import prepare_videos
from optplan.video.sampling import ClipSpec, training_indices
from optplan.video.transforms import MEAN, STD, normalise

CROP, SIDES, PREPARED, SEED = 224, (256, 340), 256, 1
SPECS = {
    "consecutive": ClipSpec(sampling="cs", length=16),
    "uniform": ClipSpec(sampling="us", length=16, snippet=4),
}
PLAIN = "decord, plain"
WORK = {"workers": 2, "timeout_seconds": 600}


def decord_frames(path: Path, indices: np.ndarray) -> np.ndarray:
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    return decord.VideoReader(str(path), num_threads=1).get_batch(indices).asnumpy()


def torchcodec_frames(path: Path, indices: np.ndarray) -> np.ndarray:
    from torchcodec.decoders import VideoDecoder

    decoder = VideoDecoder(str(path), num_ffmpeg_threads=1, dimension_order="NHWC")
    return decoder.get_frames_at(indices.tolist()).data.numpy()


def pyav_frames(path: Path, indices: np.ndarray) -> np.ndarray:
    """As it is mostly written: decode from the start, convert every frame, keep some."""
    frames, wanted = {}, set(indices.tolist())
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        stream.thread_count = 1
        for index, frame in enumerate(container.decode(stream)):
            picture = frame.to_ndarray(format="rgb24")
            if index in wanted:
                frames[index] = picture
            if index == indices.max():
                break
    return np.stack([frames[index] for index in indices.tolist()])


class PlainClips:
    """Whole frames, resized as a clip, then cropped, flipped and normalised, on the CPU."""

    def __init__(self, read: Callable, root: Path, table: pd.DataFrame, spec: ClipSpec):
        self.read, self.spec = read, spec
        self.paths = [root / video for video in table["video"]]
        self.frames = table["frames"].to_numpy()

    def __getitem__(self, key: tuple[int, int]) -> torch.Tensor:
        epoch, number = key
        rng = np.random.default_rng([SEED, epoch, number])
        indices = training_indices(self.frames[number], self.spec, rng)
        clip = torch.from_numpy(self.read(self.paths[number], indices)).permute(0, 3, 1, 2)
        clip = functional.resize(clip, int(rng.integers(SIDES[0], SIDES[1] + 1)), antialias=True)
        top, left = (int(rng.integers(side - CROP + 1)) for side in clip.shape[-2:])
        clip = functional.crop(clip, top, left, CROP, CROP)
        clip = functional.horizontal_flip(clip) if rng.random() < 0.5 else clip
        return functional.normalize(functional.to_dtype(clip, torch.float32, scale=True), MEAN, STD)


class NormalisedClips:
    """Ours, with the normalisation on the CPU too, as where there is no GPU."""

    def __init__(self, clips: TrainingClips):
        self.clips = clips

    def __getitem__(self, key: tuple[int, int]) -> torch.Tensor:
        return normalise(self.clips[key][0][None])


def methods(folder: Path, table: pd.DataFrame, work: Path, spec: ClipSpec) -> dict[str, object]:
    """Every method by name; the libraries that are not installed are left out."""
    prepared = prepare_videos(
        table, folder, work / "prepared", short_side=PREPARED, journal=work / "journal", **WORK
    )
    if not (work / "frames.npy").exists():
        write_frames(prepared, work / "prepared", work / "frames.npy")

    def ours(source, table: pd.DataFrame) -> TrainingClips:
        rows = np.arange(len(table))
        sizes = {"short_side": SIDES, "crop": CROP, "flip": True, "seed": SEED}
        return TrainingClips(source, table.assign(target=0), rows, spec, **sizes)

    originals = ours(VideoFiles(folder, table), table)
    small = ours(VideoFiles(work / "prepared", prepared), prepared)
    exact = audit_videos(table[["video"]], folder, decoder="decord", **WORK)
    found = {}
    for name, read in (
        (PLAIN, decord_frames),
        ("torchcodec, plain", torchcodec_frames),
        ("PyAV, plain", pyav_frames),
    ):
        clips = PlainClips(read, folder, table, spec)
        try:
            clips[0, 0]
            found[name] = clips
        except (ImportError, OSError, RuntimeError) as error:
            print(f"{name}: left out ({type(error).__name__}: {str(error).splitlines()[0]})")
    return found | {
        "optplan": originals,
        "optplan, decoder: decord": ours(VideoFiles(folder, exact), exact),
        f"optplan, prepare: {PREPARED}": small,
        f"optplan, prepare: {PREPARED}, normalised on the CPU": NormalisedClips(small),
        f"optplan, prepare: {PREPARED}, cache": ours(
            FrameStore(work / "frames.npy", prepared), prepared
        ),
    }


def measure(found: dict[str, object], count: int, videos: int) -> dict[str, float]:
    """Processor milliseconds per clip: the mean over `count` clips, in which methods take turns."""
    spent = {name: [] for name in found}
    for number in range(count):
        for name, clips in found.items():
            key = (number, number % videos)
            started = time.process_time()
            clips[key]
            spent[name].append(1000 * (time.process_time() - started))
    return {name: statistics.mean(times) for name, times in spent.items()}


def print_table(folder: Path, table: pd.DataFrame, work: Path, count: int):
    columns = []
    for spec in SPECS.values():
        found = methods(folder, table, work, spec)
        measure(found, 2, len(table))  # warm up
        columns.append(measure(found, count, len(table)))
    heads = [f"{name}: ms | clips/s | ratio" for name in SPECS]
    print(f"| method | {' | '.join(heads)} |\n|---|---|---|---|---|---|---|")
    for name in columns[0]:
        cells = []
        for times in columns:
            ratio = times[PLAIN] / times[name] if PLAIN in times else float("nan")
            cells.append(f"{times[name]:.1f} | {1000 / times[name]:.0f} | {ratio:.2f}")
        print(f"| {name} | {' | '.join(cells)} |")
    after = sum(path.stat().st_size for path in (work / "prepared").rglob("*.mp4"))
    print(f"\nprepared files: {after / table['bytes'].sum():.2f} times the bytes of the originals")


def usable(folder: Path) -> pd.DataFrame:
    """The audit of the videos that every method can read; the others are counted."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in VIDEO_SUFFIXES)
    videos = [path.relative_to(folder).as_posix() for path in files]
    table = audit_videos(pd.DataFrame({"video": videos}), folder, **WORK)
    table = table[(table["status"] == "ok") & (table["frames"] >= 16)]
    table = table[table[["width", "height"]].min(axis=1) >= 64]
    readable = [_readable(folder / video) for video in table["video"]]
    table = table[readable].reset_index(drop=True)
    random = (table["access"] == "random").sum()
    print(f"{len(table)} of {len(files)} videos, {random} with random access\n")
    return table


def _readable(path: Path) -> bool:
    for read in (decord_frames, torchcodec_frames):
        try:
            read(path, np.arange(16))
        except ImportError:
            continue
        except Exception:  # each library has errors of its own
            return False
    return True


def print_memory(folder: Path, table: pd.DataFrame, count: int):
    """Resident memory of one process after 100 clips, and after `count`."""
    clips = TrainingClips(
        VideoFiles(folder, table),
        table.assign(target=0),
        np.arange(len(table)),
        SPECS["uniform"],
        short_side=SIDES,
        crop=CROP,
        flip=True,
        seed=SEED,
    )
    print("| clips | resident memory (MiB) |\n|---|---|")
    for number in range(count):
        clips[number, number % len(table)]
        if number + 1 in (100, 1000, count // 2, count):
            resident = psutil.Process().memory_info().rss / 2**20
            print(f"| {number + 1} | {resident:.0f} |", flush=True)


def render_videos(folder: Path, count: int):
    """Textures that drift, with the noise of a camera: neither still nor white noise."""
    height, width = 256, 340
    for number in range(count):
        rng = np.random.default_rng([SEED, number])
        coarse = rng.integers(0, 256, (height // 8 + 10, width // 8 + 10, 3), dtype=np.uint8)
        wide = functional.resize(torch.from_numpy(coarse).permute(2, 0, 1), [400, 500])
        wide = wide.permute(1, 2, 0).numpy()
        times = np.arange(300)
        tops = 60 + 50 * np.sin(times / rng.uniform(15, 40))
        lefts = 70 + 60 * np.cos(times / rng.uniform(15, 40))
        frames = np.empty((len(times), height, width, 3), np.uint8)
        for frame, top, left in zip(frames, tops.astype(int), lefts.astype(int), strict=True):
            noise = rng.normal(0, 3, (height, width, 1))
            frame[:] = (wide[top : top + height, left : left + width] + noise).clip(0, 255)
        encode(folder / f"{number}.mp4", frames, 30, gop=250)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--videos", type=Path, help="folder of real videos")
    parser.add_argument("--clips", type=int, help="default 60, for memory 10000")
    parser.add_argument("--memory", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        folder = arguments.videos or work / "rendered"
        if arguments.videos is None:
            folder.mkdir()
            render_videos(folder, 8)
        table = usable(folder)
        if arguments.memory:
            print_memory(folder, table, arguments.clips or 10_000)
        else:
            print_table(folder, table, work, arguments.clips or 60)


if __name__ == "__main__":
    main()
