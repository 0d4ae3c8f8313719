# The paper's tables and figures. Which experiment fills which place: `tables` of the configuration.
rule make_table:
    input:
        table_inputs,
    output:
        csv=report(
            "results/{study}/tables/{table}.csv",
            category="Tables",
            caption="../workflow/report/table.rst",
        ),
        md="results/{study}/tables/{table}.md",
        tex="results/{study}/tables/{table}.tex",
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


rule provenance:
    input:
        [target for target in TARGETS if not target.endswith("provenance.json")],
    output:
        report(
            "results/{study}/provenance.json",
            category="Provenance",
            caption="../workflow/report/provenance.rst",
        ),
    log:
        "results/{study}/logs/provenance.log",
    conda:
        "../envs/runtime.yaml"
    message:
        "versions, data, devices and time of the study"
    script:
        "../workflow/scripts/write_provenance.py"
