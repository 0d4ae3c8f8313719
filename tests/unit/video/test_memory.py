"""Decoding takes no more memory for more clips or longer videos; peaks of processes of their own.

A process that decodes needs what it asks for: one clip of whole frames twice, and some 20 MB.
"""

import subprocess
import sys

import pytest
from encode import encode_barcodes

MEASURE = """
import resource, sys
from pathlib import Path
from optplan.video.audit import inspect_video
from optplan.video.decoding import read_frames

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

path = Path(sys.argv[1])
"""


def growth(tmp_path, code: str, video) -> float:
    """What the script printed: a growth of the peak in MiB."""
    script = tmp_path / "measure.py"
    script.write_text(MEASURE + code)
    command = [sys.executable, script, video]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("access", ["random", "sequential"])
def test_a_thousand_clips_more_take_no_more_memory(tmp_path, access):
    path = encode_barcodes(tmp_path / "v.mp4", frames=24, g="6")
    code = f"""
for number in range(1300):
    read_frames(path, range(number % 9, number % 9 + 16), {access!r})
    if number == 299:
        before = peak()
print(peak() - before)
"""
    assert growth(tmp_path, code, path) < 6  # a leak of one frame a clip would be 13 MiB


@pytest.fixture(scope="module")
def five_minutes(tmp_path_factory):
    """7500 frames of 160 x 120 pixels: 410 MiB as RGB."""
    path = tmp_path_factory.mktemp("long") / "v.mp4"
    options = {"preset": "ultrafast", "bf": "2", "g": "250"}
    return encode_barcodes(path, frames=7500, width=160, height=120, **options)


@pytest.mark.parametrize("access", ["random", "sequential"])
def test_a_clip_over_five_minutes_takes_the_memory_of_the_clip(tmp_path, five_minutes, access):
    code = f"""
read_frames(path, [0], {access!r})
before = peak()
read_frames(path, range(0, 7500, 59), {access!r})
print(peak() - before)
"""
    clip = 128 * 160 * 120 * 3 / 2**20
    assert growth(tmp_path, code, five_minutes) < 3 * clip + 20


def test_the_audit_of_five_minutes_keeps_no_frames(tmp_path, five_minutes):
    code = """
read_frames(path, [0])
before = peak()
assert inspect_video(path)["frames"] == 7500
print(peak() - before)
"""
    assert growth(tmp_path, code, five_minutes) < 30


def test_the_views_of_a_video_take_the_memory_of_a_piece(tmp_path):
    code = """
import numpy as np, pandas as pd
from optplan.video.clips import ViewClips, ViewPieces
from optplan.video.sampling import ClipSpec

class Frames:
    def clip(self, row, indices):
        return np.zeros((len(indices), 112, 150, 3), np.uint8)

def pieces(num_clips):
    table = pd.DataFrame({"frames": [60], "target": [0]})
    scale = {"short_side": 112, "crop": 112, "num_clips": num_clips, "num_crops": 3}
    spec = ClipSpec(sampling="cs", length=16)
    for _ in ViewPieces(ViewClips(Frames(), table, [0], spec, **scale), range(1), 8):
        pass

pieces(10)
before = peak()
pieces(100)
print(peak() - before)
"""
    assert growth(tmp_path, code, "none") < 30  # all views would be 172 MiB
