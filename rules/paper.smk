# The paper's tables and figures. Which experiment fills which place: `tables` of the configuration.
rule make_table:
    input:
        table_inputs,
    output:
        csv="results/{study}/tables/{table}.csv",
        md="results/{study}/tables/{table}.md",
        tex="results/{study}/tables/{table}.tex",
        html=report(
            "results/{study}/tables/{table}.html",
            category="Tables",
            caption="../workflow/report/table.rst",
            labels={"table": "{table}"},
        ),
    log:
        "results/{study}/logs/{table}.log",
    conda:
        "../envs/runtime.yaml"
    params:
        places=lambda wc: STUDY["tables"].get(wc.table),
        waiting=WAITING,
    message:
        "{wildcards.table} from the results"
    script:
        "../workflow/scripts/make_table.py"


rule make_figure:
    input:
        figure_inputs,
    output:
        pdf="results/{study}/figures/{figure}.pdf",
        png=report(
            "results/{study}/figures/{figure}.png",
            category="Figures",
            caption="../workflow/report/figure.rst",
            labels={"figure": "{figure}"},
        ),
    log:
        "results/{study}/logs/{figure}.log",
    conda:
        "../envs/runtime.yaml"
    params:
        places=lambda wc: study.figure_places(STUDY, wc.figure),
        waiting=WAITING,
    message:
        "{wildcards.figure} from the results"
    script:
        "../workflow/scripts/make_figure.py"


# table1, table3, ... fig5, section54: snakemake --cores all table3 --configfile config/tables.yaml
for target in study.PAPER:

    rule:
        name:
            target
        input:
            study.paper_files(STUDY, target),


# The plan and why, for the report.
rule explain_plan:
    input:
        plan=first_plan,
    output:
        report(
            "results/{study}/plans/{experiment}.html",
            category="Plans",
            caption="../workflow/report/plan.rst",
            labels={"experiment": "{experiment}"},
        ),
    log:
        "results/{study}/{experiment}/logs/explain_plan.log",
    conda:
        "../envs/runtime.yaml"
    params:
        expected_sampling=lambda wc: settings(wc)["expected_sampling"],
    message:
        "{wildcards.experiment}: why this path"
    script:
        "../workflow/scripts/explain_plan.py"


rule provenance:
    input:
        [target for target in TARGETS if Path(target).stem != "provenance"],
    output:
        json="results/{study}/provenance.json",
        html=report(
            "results/{study}/provenance.html",
            category="Provenance",
            caption="../workflow/report/provenance.rst",
            labels={"study": "{study}"},
        ),
    log:
        "results/{study}/logs/provenance.log",
    conda:
        "../envs/runtime.yaml"
    message:
        "versions, data, devices and time of the study"
    script:
        "../workflow/scripts/write_provenance.py"
