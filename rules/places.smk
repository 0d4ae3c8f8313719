# What the paper's tables and figures are made from.


def table_inputs(wildcards):
    """The results that a table is made from."""
    names = study.table_names(STUDY, wildcards.table)
    if wildcards.table == "table1":
        return study.plan_files(STUDY, names)
    shown = study.shows_strategies(wildcards.table)
    files = study.result_files(STUDY, names, strategies=shown)
    if wildcards.table == "section54":
        for name in names:
            if STUDY["experiments"][name]["variants"]:
                one = SimpleNamespace(study=STUDY["study"], experiment=name)
                files += variant_metrics(one)
    return files


def figure_inputs(wildcards):
    """The plans that a figure shows, and with them all their transitions."""
    return study.plan_files(STUDY, study.figure_names(STUDY, wildcards.figure))
