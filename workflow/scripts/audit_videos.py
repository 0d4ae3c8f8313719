"""Decode every video once and record what it is."""

from pathlib import Path

from tqdm import tqdm

from optplan.locks import held
from optplan.video.audit import audit_videos, describe_audit, summarise_audit
from optplan.video.index import read_table, write_table

name = snakemake.wildcards.experiment
index = read_table(snakemake.input.index)
work = Path(snakemake.output.table).parent / "work"
work.mkdir(exist_ok=True)
with (
    held(work / "audit.lock"),
    tqdm(total=len(index), desc=f"{name}: audit", mininterval=5) as bar,
):
    audit = audit_videos(
        index,
        snakemake.input.root,
        workers=snakemake.resources.cpus_per_task,
        timeout_seconds=snakemake.params.timeout_seconds,
        decoder=snakemake.params.decoder,
        journal=work / "audit.jsonl",
        progress=lambda done, total: bar.update(done - bar.n),
    )
print(f"{name}: {summarise_audit(audit)}")
Path(snakemake.output.report).write_text(describe_audit(audit))
write_table(audit, snakemake.output.table)
