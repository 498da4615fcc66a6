import numpy as np
import pytest

from veilset.core.errors import Malformed, Unreadable, Unsupported
from veilset.core.roles import Case
from veilset.probes.utility.viewers import COLUMNS, Viewers, bradley_terry, form


def write(path, rows):
    path.write_text("\n".join([",".join(COLUMNS), *(",".join(r) for r in rows)]) + "\n")
    return str(path)


def test_strengths_satisfy_the_likelihood_equation():
    rng = np.random.default_rng(0)
    wins = rng.integers(1, 20, (4, 4)).astype(float)
    np.fill_diagonal(wins, 0)
    p = bradley_terry(wins, 5000)
    smoothed = wins + 0.5 * (1 - np.eye(4))
    expected = [
        sum((smoothed[i, j] + smoothed[j, i]) * p[i] / (p[i] + p[j]) for j in range(4) if j != i) for i in range(4)
    ]
    np.testing.assert_allclose(expected, smoothed.sum(axis=1), rtol=1e-6)


def test_preferences_come_out_in_order(tmp_path):
    rng = np.random.default_rng(0)
    strong = {"inpaint": 6.0, "blur": 3.0, "mask": 1.0}
    rows = []
    for viewer in range(30):
        for _ in range(10):
            left, right = rng.permutation(sorted(strong))[:2]
            wins = rng.random() < strong[left] / (strong[left] + strong[right])
            rows.append((str(viewer), "preferred", left, right, "left" if wins else "right"))
        rows.append((str(viewer), "satisfaction", "mask", "", str(rng.integers(1, 4))))
    found = Viewers(write(tmp_path / "a.csv", rows)).run(Case([]), rng=np.random.default_rng(0))
    by = {(m.name, m.group): m for m in found}
    for name, strength in strong.items():
        one = by["preferred", name]
        assert one.low <= strength / 10 <= one.high
        assert one.n == 30
    assert by["satisfaction", "mask"].high < 3


def test_no_preference_is_chance(tmp_path):
    rng = np.random.default_rng(3)
    rows = [(str(v), "preferred", "a", "b", ("left", "right")[rng.integers(2)]) for v in range(20) for _ in range(8)]
    for one in Viewers(write(tmp_path / "a.csv", rows)).run(Case([]), rng=np.random.default_rng(0)):
        assert one.low <= one.chance <= one.high


def test_the_form_asks_every_item_and_loads_nothing(drawn):
    picture = drawn.face(1, np.random.default_rng(0), 16)
    page = form({"blur": [picture], "mask": [picture * 0]}, np.random.default_rng(0), comparisons=3)
    assert page.count('data-question="preferred"') == 3
    assert page.count('data-question="satisfaction"') == 2
    assert "http" not in page
    with pytest.raises(Unsupported, match="two treatments"):
        form({"blur": [picture]}, np.random.default_rng(0))


@pytest.mark.parametrize(
    "row", [("v", "preferred", "a", "b", "both"), ("v", "smell", "a", "b", "1"), ("v", "satisfaction", "a", "", "9")]
)
def test_wrong_answers_are_named_by_line(tmp_path, row):
    with pytest.raises(Malformed, match="line 2"):
        Viewers(write(tmp_path / "a.csv", [row])).run(Case([]), rng=np.random.default_rng(0))


def test_files_that_are_none(tmp_path):
    with pytest.raises(Unsupported, match="name the file"):
        Viewers().run(Case([]), rng=np.random.default_rng(0))
    with pytest.raises(Unreadable, match="cannot be read"):
        Viewers(str(tmp_path / "no.csv")).run(Case([]), rng=np.random.default_rng(0))
    (tmp_path / "x.csv").write_text("a,b\n")
    with pytest.raises(Malformed, match="first line"):
        Viewers(str(tmp_path / "x.csv")).run(Case([]), rng=np.random.default_rng(0))
    with pytest.raises(Malformed, match="no answers"):
        Viewers(write(tmp_path / "y.csv", [])).run(Case([]), rng=np.random.default_rng(0))
