import cv2
import numpy as np
import pandas as pd
import pytest
from encode import encode_video

from optplan.video.decoding import read_frames
from optplan.video.extraction import METHODS, compute_flow, extract_flow, write_pictures
from optplan.video.flow import (
    ZERO,
    FlowClips,
    flow_table,
    stored_pictures,
    to_levels,
    to_picture,
    to_pixels,
)
from optplan.video.frames import FrameStore, VideoFiles, write_frames


def texture(height, width, seed=0):
    """Smooth random grey levels (H, W) float32, which have structure at every scale."""
    rng = np.random.default_rng(seed)
    layers = [
        side * cv2.resize(rng.random((height // side, width // side), np.float32), (width, height))
        for side in (2, 4, 8, 16)
    ]
    image = sum(layers)
    return 255 * (image - image.min()) / np.ptp(image)


def translated(displacement, *, frames=4, height=64, width=96):
    """Grey frames (H, W) uint8 of a texture that moves by `displacement` (x, y) px a frame."""
    image = texture(height + 64, width + 64)
    for number in range(frames):
        x, y = 32 - number * np.array(displacement)
        shift = np.float32([[1, 0, -x], [0, 1, -y]])
        frame = cv2.warpAffine(image, shift, (width, height), flags=cv2.INTER_LINEAR)
        yield np.rint(frame).astype(np.uint8)


def videos(root, sizes):
    """Video files of drifting noise and their flow table."""
    rows = []
    for seed, (name, (frames, height, width)) in enumerate(sizes.items()):
        encode_video(root / name, frames=frames, height=height, width=width, seed=seed)
        rows.append({"video": name, "sha1": f"{seed}" * 8, "frames": frames})
        rows[-1] |= {"height": height, "width": width}
    return flow_table(pd.DataFrame(rows), method="dis", short_side=32)


@pytest.mark.parametrize("displacement", [(3, 0), (-1.5, 2), (0, 0), (6, -5)])
@pytest.mark.parametrize("method", METHODS)
def test_the_flow_of_a_translation_survives_storing_to_a_fifth_of_a_pixel(
    method, displacement, tmp_path
):
    flow = compute_flow(translated(displacement), method)
    write_pictures(tmp_path / "flow.mp4", map(to_picture, map(to_levels, flow)), crf=12)
    table = flow_table(
        pd.DataFrame({"video": ["a"], "sha1": ["0"], "height": [64], "width": [96]}),
        method=method,
        short_side=64,
    ).assign(flow="flow.mp4")
    clips = FlowClips(VideoFiles(tmp_path, stored_pictures(table)), table)
    stored = to_pixels(clips.clip(0, range(4)))[:, 8:-8, 8:-8]
    errors = np.linalg.norm(stored - np.array(displacement), axis=-1)
    assert errors.mean() < 0.2


@pytest.mark.parametrize("method", METHODS)
def test_a_still_video_has_exactly_no_motion(method):
    frame = next(translated((0, 0)))
    assert all((to_levels(flow) == ZERO).all() for flow in compute_flow([frame] * 3, method))


def test_there_are_as_many_flows_as_frames_and_the_last_is_repeated():
    flows = list(compute_flow(translated((2, 1), frames=5), "dis"))
    assert len(flows) == 5
    assert np.array_equal(flows[3], flows[4])
    assert not np.array_equal(flows[2], flows[3])


def test_a_single_frame_does_not_move():
    (flow,) = compute_flow(translated((2, 1), frames=1), "tvl1")
    assert flow.shape == (64, 96, 2)
    assert not flow.any()


def test_every_level_is_stored_exactly_without_loss(tmp_path):
    picture = np.tile(np.arange(256, dtype=np.uint8), (64, 1))
    assert write_pictures(tmp_path / "levels.mp4", [picture] * 3, crf=0) == 3
    frames = read_frames(tmp_path / "levels.mp4", [2, 0, 1])
    assert all(
        np.array_equal(frame[..., channel], picture) for frame in frames for channel in (0, 1, 2)
    )


def test_files_and_decoded_frames_give_the_same_clips_of_any_width(tmp_path):
    # 48 and 72 pixels are more than decord can read unless the pictures are filled up.
    table = videos(tmp_path, {"a.mp4": (6, 64, 96), "b.avi": (14, 40, 88), "c.mp4": (2, 48, 32)})
    extract_flow(table, tmp_path, tmp_path / "flow", method="dis", workers=1)
    pictures = stored_pictures(table)
    assert table["width"].tolist() == [48, 70, 32]
    write_frames(pictures, tmp_path / "flow", tmp_path / "frames.npy")
    sources = (
        VideoFiles(tmp_path / "flow", pictures),
        FrameStore(tmp_path / "frames.npy", pictures),
    )
    for row, (frames, height, width) in enumerate(table[["frames", "height", "width"]].to_numpy()):
        files, store = (FlowClips(s, table).clip(row, np.arange(frames)) for s in sources)
        assert files.shape == (frames, height, width, 2)
        assert np.array_equal(files, store)


def test_what_is_there_is_not_computed_again_and_an_unfinished_file_does_not_count(tmp_path):
    table = videos(tmp_path, {"a.mp4": (4, 32, 64), "b.mp4": (6, 32, 64)})
    first, second = (tmp_path / "flow" / name for name in table["flow"])
    first.parent.mkdir(parents=True)
    first.write_bytes(b"finished before")
    second.with_name(f"{second.name}.partial").write_bytes(b"killed")
    steps = []
    extract_flow(
        table,
        tmp_path,
        tmp_path / "flow",
        method="dis",
        workers=1,
        progress=lambda done, total: steps.append((done, total)),
    )
    assert first.read_bytes() == b"finished before"
    assert len(read_frames(second, range(6))) == 6
    assert steps == [(6, 6)]
    assert [*first.parent.glob("*.partial")] == []


def test_a_video_that_is_not_what_the_audit_found_is_named_and_what_is_finished_stays(tmp_path):
    table = videos(tmp_path, {"a.mp4": (4, 32, 64), "b.mp4": (6, 32, 64)})
    table.loc[1, "frames"] = 7
    with pytest.raises(ValueError, match=r"b\.mp4: has 6 frames, the audit found 7"):
        extract_flow(table, tmp_path, tmp_path / "flow", method="dis", workers=1)
    assert [path.name for path in tmp_path.rglob("flow/**/*.mp4")] == ["a.mp4.00000000-64x32.mp4"]


def test_the_same_video_gives_the_same_bytes(tmp_path):
    table = videos(tmp_path, {"a.mp4": (4, 48, 64)})
    for folder in ("one", "two"):
        extract_flow(table, tmp_path, tmp_path / folder, method="dis", workers=1)
    one, two = (tmp_path / folder / table["flow"][0] for folder in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_frames_that_are_too_small_for_flow_are_named_before_anything_is_computed(tmp_path):
    table = videos(tmp_path, {"a.mp4": (4, 32, 64), "b.mp4": (4, 8, 64)})
    with pytest.raises(
        ValueError, match=r"than 16 pixels, such as the 64 x 8 pixels of b\.mp4; le"
    ):
        extract_flow(table, tmp_path, tmp_path / "flow", method="dis", workers=1)
    assert not (tmp_path / "flow").exists()
