"""List the videos of a folder with their classes and groups."""

from optplan.video.index import index_folder, write_table

index = index_folder(
    snakemake.input.root,
    snakemake.input.get("index") or None,
    group_column=snakemake.params.group_column,
)
write_table(index, snakemake.output[0])
