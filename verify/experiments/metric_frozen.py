"""Frozen kernels against networks that are trained: the paper's main claim, on Fermat's K3 and quintic.

Two metrics from the same random φ-networks (GELU, 2 layers of 16 units, NTK parametrisation), the same points and the
same L² loss of Monge–Ampère: *frozen*, the network linearised at its beginning, its flow followed to t → ∞ (at most
`--steps` Gauss–Newton steps, each a longer stretch of the flow); *trained*, the network itself, by as many Gauss–Newton
steps. "stopped" is the frozen flow where σ on validation points was lowest; the trained network is always chosen that
way. σ is reported on points of neither. Raw affine coordinates, invariants z_i z̄_j/|z|², and functions invariant under
all symmetries of the hypersurface; scaled so that their bends ∂∂̄f have size 1, as models are by default, or "narrow":
to a standard deviation of 0.2, where units are closer to linear and their kernel is smoother. `--points` 6000 to train
on, 1000 to choose by, 2000 to report on; `--seeds` 3 (of networks and points), `--steps` 60. The paper's own choice of
network, features and points is not known.
"""

from verify.experiments import Options, Report, _figures
from verify.experiments._frozen import compared, draw, setting, table
from verify.experiments._metrics import SURFACES, FeatureName, Progress, points

POINTS, HELD_OUT, STEPS, SEEDS, WIDTH, ACTIVATION = 6000, 2000, 60, 3, 16, "gelu"
DIMENSIONS: tuple[int, ...] = (2, 3)
# Features, and the standard deviation of the inputs; None for bends of size 1.
FEATURES: tuple[tuple[FeatureName, float | None], ...] = (
    ("coordinates", None),
    ("coordinates", 0.2),
    ("invariants", None),
    ("invariants", 0.2),
    ("symmetric", None),
)


def run(options: Options) -> Report:
    """All surfaces, features and seeds."""
    count, steps, seeds = options.points or POINTS, options.steps or STEPS, options.seeds or SEEDS
    chosen = [(n, *kind, options.seed + seed) for n in DIMENSIONS for kind in FEATURES for seed in range(seeds)]
    progress, cases = Progress(len(chosen)), []
    for n, name, inputs, seed in chosen:
        progress.case(f"{SURFACES[n]}, {name}{'' if inputs is None else ', narrow'}, seed {seed}")
        sample = points(n, count, HELD_OUT, seed)
        one = setting(sample, name, seed, width=WIDTH, activation=ACTIVATION, inputs=inputs)
        cases.append(compared(one, steps))
    figures = () if options.figures is None else (_figures.save(draw(cases, {}), options.figures, "metric-frozen"),)
    return Report(
        settings={"points": count, "steps": steps, "seeds": seeds, "seed": options.seed, "width": WIDTH},
        tables=(table(f"σ on held-out points, {count} to train on", cases, {}),),
        data={"cases": [vars(case) for case in cases]},
        figures=figures,
    )
