# optplan: plan how a 3D ConvNet is trained.
#
#   snakemake --cores all                          the default study (config/config.yaml)
#   snakemake --cores all --configfile mine.yaml   a study of your own
#   snakemake --cores all --profile slurm          on a Slurm cluster (docs/cluster.md)
#   snakemake --cores all released                 the published paths, drawn (Figs. 4 and 5)


# A configuration of one's own replaces the default study instead of being mixed with it.
if "experiments" not in config:

    configfile: f"{workflow.basedir}/config/config.yaml"


report: "workflow/report/workflow.rst"


include: "rules/common.smk"
include: "rules/resources.smk"
include: "rules/videos.smk"
include: "rules/inputs.smk"
include: "rules/data.smk"
include: "rules/plan.smk"
include: "rules/baselines.smk"
include: "rules/variants.smk"
include: "rules/evaluate.smk"
include: "rules/report.smk"
include: "rules/places.smk"
include: "rules/paper.smk"


# Too short to be jobs of a cluster.
localrules:
    all,
    compare,
    compare_variants,
    draw_curves,
    draw_graph,
    draw_released,
    explain_plan,
    fuse_scores,
    make_figure,
    make_table,
    plan,
    plan_variant,
    provenance,
    released,
    sampling_figure,
    select_parent,
    sum_costs,


rule all:
    default_target: True
    input:
        TARGETS,


onsuccess:
    if TARGETS and all(Path(target).exists() for target in TARGETS):
        print(f"\nDone: tables and figures are in results/{STUDY['study']}/\n")


onerror:
    print(
        f"\nStopped. Nothing finished is lost: the same command goes on. Log: {log}\n"
    )
