# Table 4: the planned path against hand-tuned strategies, in accuracy and in cost.
rule compare:
    input:
        plans=[
            f"results/{{study}}/{name}/seed-{seed}/plan.yaml"
            for name, own in PRESENT.items()
            for seed in own["seeds"]
            if own["plan"] is None
        ],
        metrics=[
            f"results/{{study}}/{name}/seed-{seed}/evaluation/{strategy}/metrics.json"
            for name, own in PRESENT.items()
            for seed in own["seeds"]
            for strategy in [*own["strategies"], "planned"]
        ],
        fusions=[f"results/{{study}}/fusion/{name}.json" for name in FUSIONS],
    output:
        csv=report(
            "results/{study}/tables/comparison.csv",
            category="Tables",
            caption="../workflow/report/comparison.rst",
            labels={"table": "planning against hand-tuning"},
        ),
        md="results/{study}/tables/comparison.md",
    log:
        "results/{study}/logs/compare.log",
    conda:
        "../envs/runtime.yaml"
    params:
        experiments={
            name: {
                "plans": {s: study.given_plan(STUDY, name, s) for s in own["seeds"]},
                "strategies": own["strategies"],
                "expected_sampling": own["expected_sampling"],
            }
            for name, own in PRESENT.items()
        },
        fusions=FUSIONS,
    message:
        "compare planning with hand-tuned strategies"
    script:
        "../workflow/scripts/compare.py"


rule draw_graph:
    input:
        plan=first_plan,
    output:
        pdf="results/{study}/figures/{experiment}-graph.pdf",
        png=report(
            "results/{study}/figures/{experiment}-graph.png",
            category="Figures",
            caption="../workflow/report/graph.rst",
            labels={"figure": "transition graph of {experiment}"},
        ),
    log:
        "results/{study}/{experiment}/logs/draw_graph.log",
    conda:
        "../envs/runtime.yaml"
    params:
        settings=part("states"),
        metric=metric_title,
    message:
        "{wildcards.experiment}: draw the transition graph"
    script:
        "../workflow/scripts/draw_graph.py"


rule draw_curves:
    input:
        plan=first_plan,
    output:
        pdf="results/{study}/figures/{experiment}-curves.pdf",
        png=report(
            "results/{study}/figures/{experiment}-curves.png",
            category="Figures",
            caption="../workflow/report/curves.rst",
            labels={"figure": "curves of {experiment}"},
        ),
    log:
        "results/{study}/{experiment}/logs/draw_curves.log",
    conda:
        "../envs/runtime.yaml"
    params:
        metric=metric_title,
    message:
        "{wildcards.experiment}: draw the performance-epoch curves"
    script:
        "../workflow/scripts/draw_curves.py"


# What the study has cost, once all of it is there.
rule sum_costs:
    input:
        [
            target
            for target in TARGETS
            if Path(target).stem not in ("costs", "provenance")
        ],
    output:
        csv=report(
            "results/{study}/tables/costs.csv",
            category="Tables",
            caption="../workflow/report/costs.rst",
            labels={"table": "what it cost"},
        ),
        md="results/{study}/tables/costs.md",
    log:
        "results/{study}/logs/costs.log",
    conda:
        "../envs/runtime.yaml"
    message:
        "add up what everything cost"
    script:
        "../workflow/scripts/sum_costs.py"


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
