"""What optical flow costs and how exact it is, by method, and by the way it is stored.

    OMP_NUM_THREADS=1 python benchmarks/flow.py [--sides S ...] [--frames T] [VIDEO ...]

Prints two Markdown tables. The first is of synthetic scenes whose flow is known; the second of the
TV-L1 flow of such a scene, or of the videos given. Times are processor time of one thread.
"""

import argparse
import io
import time
from collections.abc import Callable
from itertools import islice, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from optplan.video.decoding import read_frames
from optplan.video.extraction import CRF, TVL1, compute_flow, grey_frames, write_pictures
from optplan.video.flow import to_levels, to_picture, to_pixels

ASPECT, NOISE, EDGE = 4 / 3, 3.0, 0.03
DIS = {"ultrafast": 0, "fast": 1, "medium": 2}
TVL1_SETTINGS = {
    "OpenCV's defaults": {},
    "2 warps": {"warps": 2},
    "tolerance 0.02": {"epsilon": 0.02},
    "tolerance 0.05": {"epsilon": 0.05},
    "pyramid 0.5": {"scaleStep": 0.5},
    "pyramid 0.5, tolerance 0.02": {"scaleStep": 0.5, "epsilon": 0.02},
    "pyramid 0.5, tolerance 0.05 (here)": TVL1,
}


def scene(side: int, motion: float, *, frames: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Grey frames (T, H, W) uint8 and their true flow (T - 1, H, W, 2) in pixels a frame.

    A textured background and eight textured rectangles move, each on its own straight line, the
    fastest by `motion` pixels a frame; there is noise.
    """
    rng = np.random.default_rng(seed)
    height, width = side, round(side * ASPECT)
    speeds = motion * np.array([0.3, *rng.uniform(0.4, 0.9, 7), 1.0])
    angles = rng.uniform(0, 2 * np.pi, 9)
    steps = np.stack([np.cos(angles), np.sin(angles)], 1) * speeds[:, None]
    sizes = [(height, width), *rng.integers(side // 6, side // 3, (8, 2)).tolist()]
    textures = [_texture(h, w, rng) for h, w in sizes]
    centre = rng.uniform(0.2, 0.8, (9, 2)) * (width, height)
    video = np.zeros((frames, height, width), np.uint8)
    flow = np.zeros((frames - 1, height, width, 2), np.float32)
    for number in range(frames):
        image = _moved(textures[0], number * steps[0], (height, width), cv2.BORDER_WRAP)
        if number < frames - 1:
            flow[number] = steps[0]
        for texture, step, place in zip(textures[1:], steps[1:], centre[1:], strict=True):
            start = place - np.array(texture.shape[::-1]) / 2 + (number - frames / 2) * step
            piece = _moved(texture, start, (height, width), cv2.BORDER_CONSTANT)
            image = np.where(piece >= 0, piece, image)
            if number < frames - 1:
                flow[number][piece >= 0] = step
        video[number] = (image + rng.normal(0, NOISE, image.shape)).clip(0, 255).round()
    return video, flow


def _texture(height: int, width: int, rng) -> np.ndarray:
    layers = [
        s * cv2.resize(rng.random((height // s + 2, width // s + 2), np.float32), (width, height))
        for s in (2, 4, 8, 16)
    ]
    image = sum(layers)
    return 30 + 200 * (image - image.min()) / np.ptp(image)


def _moved(texture: np.ndarray, start, shape: tuple[int, int], border: int) -> np.ndarray:
    shift = np.float32([[1, 0, start[0]], [0, 1, start[1]]])
    size = shape[::-1]
    return cv2.warpAffine(texture, shift, size, borderMode=border, borderValue=-1000)


def methods() -> dict[str, Callable]:
    """Every method of the first table by name."""
    create = cv2.optflow.DualTVL1OpticalFlow_create
    tvl1 = {f"TV-L1, {name}": create(**own).calc for name, own in TVL1_SETTINGS.items()}
    presets = {f"DIS {name}": cv2.DISOpticalFlow_create(own).calc for name, own in DIS.items()}
    return tvl1 | presets


def print_methods(sides: list[int], frames: int) -> None:
    speeds = (1, 0.03, 0.06)  # px a frame, then shares of the side
    header = " | ".join(f"{s} px: ms | error at {_motions(s, speeds)} px" for s in sides)
    print(f"| method | {header} |")
    print("|---" * (1 + 2 * len(sides)) + "|")
    scenes = {
        side: [
            scene(side, motion, frames=frames, seed=number)
            for number, motion in enumerate(_speeds(side, speeds))
        ]
        for side in sides
    }
    for name, calc in methods().items():
        cells = []
        for side in sides:
            errors, started = [], time.process_time()
            for video, flow in scenes[side]:
                found = [calc(*pair, None) for pair in pairwise(video)]
                errors.append(_error(np.stack(found), flow))
            pairs = len(scenes[side]) * (frames - 1)
            seconds = time.process_time() - started
            cells += [f"{1000 * seconds / pairs:.1f}", " / ".join(f"{e:.2f}" for e in errors)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def print_storage(flows: list[np.ndarray]) -> None:
    """Bytes a frame, error, and time to read a clip of 16 frames, for each way to store `flows`."""
    print("| stored as | bytes a frame | error (px) | read 16 frames (ms) |\n|---|---|---|---|")
    ways = {
        "8 bits, compressed npz": _as_npz,
        "JPEG 85 a frame": lambda pictures: _as_jpeg(pictures, 85),
        "JPEG 95 a frame": lambda pictures: _as_jpeg(pictures, 95),
        **{
            f"H.264, CRF {crf}{' (here)' if crf == CRF else ''}": (
                lambda pictures, crf=crf: _as_video(pictures, crf)
            )
            for crf in (0, 8, CRF, 16, 20)
        },
    }
    for name, store in ways.items():
        rows = []
        for flow in flows:
            pictures = np.stack([to_picture(levels) for levels in to_levels(flow)])
            size, stored, read = store(pictures)
            height, width = flow.shape[1:3]
            halves = stored[:, :height, :width], stored[:, height:, :width]
            started = time.process_time()
            read(list(range(min(16, len(flow)))))
            rows.append(
                (
                    size / len(flow),
                    _error(to_pixels(np.stack(halves, -1)), flow),
                    1000 * (time.process_time() - started),
                )
            )
        size, error, spent = np.mean(rows, axis=0)
        print(f"| {name} | {size:.0f} | {error:.3f} | {spent:.1f} |", flush=True)


def _as_npz(pictures):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, pictures)

    def read(indices):
        buffer.seek(0)
        return np.load(buffer)["arr_0"][indices]

    return buffer.tell(), pictures, read


def _as_jpeg(pictures, quality: int):
    setting = [cv2.IMWRITE_JPEG_QUALITY, quality]
    files = [cv2.imencode(".jpg", picture, setting)[1] for picture in pictures]

    def read(indices):
        return np.stack([cv2.imdecode(files[i], cv2.IMREAD_GRAYSCALE) for i in indices])

    return sum(map(len, files)), read(range(len(files))), read


def _as_video(pictures, crf: int):
    path = Path(FOLDER.name, f"{crf}.mp4")
    write_pictures(path, pictures, crf=crf)

    def read(indices):
        return read_frames(path, indices)[..., 0]

    return path.stat().st_size, read(range(len(pictures))), read


def _speeds(side: int, speeds: tuple) -> tuple[float, ...]:
    return (speeds[0], *(share * side for share in speeds[1:]))


def _motions(side: int, speeds: tuple) -> str:
    return " / ".join(f"{motion:.2g}" for motion in _speeds(side, speeds))


def _error(found: np.ndarray, flow: np.ndarray) -> float:
    """Mean endpoint error in pixels, but for the edges, where what moves in is not known."""
    edge = max(1, round(EDGE * found.shape[1]))
    inner = np.s_[:, edge:-edge, edge:-edge]
    return float(np.linalg.norm(found[inner] - flow[inner], axis=-1).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO")
    parser.add_argument("--sides", nargs="+", type=int, default=[256, 128, 36])
    parser.add_argument("--frames", type=int, default=24, help="of each scene or video")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.videos:
        videos = [islice(grey_frames(path), options.frames) for path in options.videos]
    else:
        print_methods(options.sides, min(4, options.frames))
        print()
        videos = [scene(options.sides[0], 6, frames=options.frames, seed=0)[0]]
    print_storage([np.stack([*compute_flow(frames, "tvl1")]) for frames in videos])


FOLDER = TemporaryDirectory()

if __name__ == "__main__":
    main()
