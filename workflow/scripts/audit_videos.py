"""Decode every video once and record what it is."""

from tqdm import tqdm

from optplan.video.audit import audit_videos
from optplan.video.index import read_table, write_table

index = read_table(snakemake.input.index)
with tqdm(total=len(index), desc=f"{snakemake.wildcards.experiment}: audit", mininterval=5) as bar:
    audit = audit_videos(
        index,
        snakemake.input.root,
        workers=snakemake.threads,
        timeout_seconds=snakemake.params.timeout_seconds,
        progress=lambda done, total: bar.update(done - bar.n),
    )
write_table(audit, snakemake.output[0])
