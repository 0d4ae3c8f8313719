from html.parser import HTMLParser

from optplan.reporting.layout import Table
from optplan.reporting.pages import plan_page, provenance_page, table_page


class Cells(HTMLParser):
    """The texts of a page's table cells, row by row, and the addresses that it would load."""

    def __init__(self, text: str):
        super().__init__()
        self.rows, self.loads, self.inside = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.loads += [value for name, value in attrs if name in ("src", "href")]
        if tag == "tr":
            self.rows.append([])
        self.inside = tag in ("td", "th")
        if self.inside:
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data

    def handle_endtag(self, tag):
        self.inside = False


def test_a_table_reads_as_it_was_and_loads_nothing():
    table = Table(name="t", title="A & B", header=["Net", "Source", "Top-1"], texts=2)
    table.rows = [["<P3D>", "published", "1.0"], ["P3D", "measured", "2.0"]]
    text = table_page(table)
    cells = Cells(text)
    assert cells.rows == [table.header, *table.rows]
    assert cells.loads == []
    assert text.count('class="published"') == 1


def test_a_plan_says_why_of_every_state_that_its_path_passes(finished):
    steps = [step | {"frames": 8, "learning_rate": 0.01} for step in finished.plan["path"]]
    plan = finished.plan | {"path": steps, "final": "cs-l3-r3"}
    text = plan_page("shapes", plan, finished.records, "A note.")
    assert [row[0] for row in Cells(text).rows[1:]] == [step["state"] for step in steps]
    name, passed = "cs-l3-r3", []
    while name in finished.records:
        passed.append(name)
        name = finished.records[name]["parent"]
    assert [text.count(f"Why {state}?") for state in passed] == [1] * len(passed)
    assert "cs-l3-r2" in passed  # it kept its parent's model and is no step of the plan


def test_provenance_has_a_row_for_each_experiment():
    own = {"devices": ["cpu"], "jobs": 3, "epochs": 9, "seconds": 90.0}
    text = provenance_page({"study": "s", "commit": "abc", "experiments": {"mine": own}})
    assert Cells(text).rows[1:] == [["mine", "cpu", "3", "9", "1.5"]]
    assert "Commit abc." in text
