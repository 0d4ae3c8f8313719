"""Decode every video into one file of frames."""

from tqdm import tqdm

from optplan.video.flow import flow_folder, stored_pictures
from optplan.video.frames import write_frames
from optplan.video.index import read_table

split, root = read_table(snakemake.input.split), snakemake.input.root
if snakemake.params.modality == "flow":
    split, root = stored_pictures(split), flow_folder(snakemake.input.split)
with tqdm(total=len(split), desc=f"{snakemake.wildcards.experiment}: decode", mininterval=5) as bar:
    write_frames(
        split,
        root,
        snakemake.output[0],
        progress=lambda done, total: bar.update(done - bar.n),
    )
