import pytest

from optplan.planning.metric import METRICS, TOP_1, TOP_1_3_5, metric_of


def test_top_1_is_the_score_as_it_stands_in_the_curve():
    assert TOP_1.score({"epoch": 3, "loss": 0.5, "top1": 0.1 + 0.2}) == 0.1 + 0.2


def test_the_other_metric_is_the_mean_of_top_1_3_and_5():
    entry = {"epoch": 3, "loss": 0.5, "top1": 0.2, "top3": 0.6, "top5": 0.7}
    assert TOP_1_3_5.score(entry) == pytest.approx(0.5)


@pytest.mark.parametrize("metric", METRICS.values(), ids=str)
def test_a_knee_says_what_it_was_scored_by_unless_it_is_top_1(metric):
    assert metric_of({"epochs": 4} | metric.mark) == metric
    assert bool(metric.mark) == (metric != TOP_1)
