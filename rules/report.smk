# Table 4: the planned path against hand-tuned strategies, in accuracy and in cost.
rule compare:
    input:
        plans=[
            f"results/{{study}}/{name}/seed-{STUDY['seed']}/plan.yaml"
            for name, own in STUDY["experiments"].items()
            if own["plan"] is None
        ],
        metrics=[
            f"results/{{study}}/{name}/seed-{STUDY['seed']}/evaluation/{strategy}/metrics.json"
            for name, own in STUDY["experiments"].items()
            for strategy in [*own["strategies"], "planned"]
        ],
        fusions=[f"results/{{study}}/fusion/{name}.json" for name in STUDY["fusions"]],
    output:
        csv=report("results/{study}/tables/comparison.csv", category="Tables"),
        md="results/{study}/tables/comparison.md",
    log:
        "results/{study}/logs/compare.log",
    conda:
        "../envs/runtime.yaml"
    params:
        seed=STUDY["seed"],
        experiments={
            name: {
                key: own[key] for key in ("strategies", "expected_sampling", "plan")
            }
            for name, own in STUDY["experiments"].items()
        },
        fusions=STUDY["fusions"],
    message:
        "compare planning with hand-tuned strategies"
    script:
        "../workflow/scripts/compare.py"


rule draw_graph:
    input:
        plan=f"results/{{study}}/{{experiment}}/seed-{STUDY['seed']}/plan.yaml",
    output:
        pdf="results/{study}/figures/{experiment}-graph.pdf",
        png=report("results/{study}/figures/{experiment}-graph.png", category="Figures"),
    log:
        "results/{study}/{experiment}/logs/draw_graph.log",
    conda:
        "../envs/runtime.yaml"
    params:
        settings=part("states"),
    message:
        "{wildcards.experiment}: draw the transition graph"
    script:
        "../workflow/scripts/draw_graph.py"


rule draw_curves:
    input:
        plan=f"results/{{study}}/{{experiment}}/seed-{STUDY['seed']}/plan.yaml",
    output:
        pdf="results/{study}/figures/{experiment}-curves.pdf",
        png=report(
            "results/{study}/figures/{experiment}-curves.png", category="Figures"
        ),
    log:
        "results/{study}/{experiment}/logs/draw_curves.log",
    conda:
        "../envs/runtime.yaml"
    message:
        "{wildcards.experiment}: draw the performance-epoch curves"
    script:
        "../workflow/scripts/draw_curves.py"


# Figs. 4 and 5: snakemake --cores 1 released
rule released:
    input:
        [f"results/released/{path.stem}.png" for path in RELEASED],


rule draw_released:
    input:
        plan=f"{workflow.basedir}/config/plans/{{plan}}.yaml",
    output:
        pdf="results/released/{plan}.pdf",
        png="results/released/{plan}.png",
    log:
        "results/released/logs/{plan}.log",
    conda:
        "../envs/runtime.yaml"
    message:
        "draw the released path {wildcards.plan}"
    script:
        "../workflow/scripts/draw_released.py"


# The picture of docs/sampling.md: snakemake --cores 1 sampling_figure
rule sampling_figure:
    output:
        pdf="results/sampling/sampling.pdf",
        png="results/sampling/sampling.png",
    log:
        "results/sampling/sampling.log",
    conda:
        "../envs/runtime.yaml"
    message:
        "draw which frames both samplings take"
    script:
        "../workflow/scripts/sampling_figure.py"
