"""Compute the optical flow of every video once, and write the table of its files."""

from tqdm import tqdm

from optplan.locks import held
from optplan.video.extraction import extract_flow
from optplan.video.flow import flow_folder, flow_table
from optplan.video.frames import video_folder
from optplan.video.index import read_table, write_table

flow, folder = snakemake.params.flow, flow_folder(snakemake.output[0])
table = flow_table(read_table(snakemake.input.split), **flow)
folder.mkdir(parents=True, exist_ok=True)
with (
    held(folder / "work.lock"),
    tqdm(desc=f"{snakemake.wildcards.experiment}: flow", unit=" frames", mininterval=5) as bar,
):

    def show(done: int, total: int):
        bar.total = total
        bar.update(done - bar.n)

    extract_flow(
        table,
        video_folder(snakemake.input.root),
        folder,
        method=flow["method"],
        workers=snakemake.resources.cpus_per_task,
        progress=show,
    )
write_table(table, snakemake.output[0])
