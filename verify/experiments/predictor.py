"""Fig. 5: weights predicted from patches label unseen images of thin lines.

Scenario (a), noise 0.3. A predictor with N=50 prototypes, clustered from the noise-free training patches, is trained
through the flow on noisy images and labels other noisy images; it is compared with uniform weights, and with weights
learned on each test image itself from its truth (not available in use: what a perfect predictor could reach).

The paper leaves open, and here is chosen: ρ=1, T=3, τ=0, Adam steps of 0.1, at most 100 of them, m=6, rank 3; 5 images
to train, 5 to validate and another 5 to test (the paper reports its validation images).
"""

from pathlib import Path

import numpy as np

import laflow
from verify.experiments import Options, Report, Table, _figures
from verify.experiments._scenarios import NOISE, Scenario, scenario, wrong_percent

TIME, PROTOTYPES, STEPS, IMAGES = 3.0, 50, 100, 5
KRYLOV_DIM, RANK, STEP_SIZE = 6, 3, 0.1
SECTION = 20


def run(options: Options) -> Report:
    """Train on some images, test on others."""
    images, steps = options.images or IMAGES, options.steps or STEPS
    training, validating, testing = (
        [scenario("a", options.size, options.seed + part * images + number) for number in range(images)]
        for part in range(3)
    )
    trained = laflow.train_predictor(
        [one.scene.image for one in training],
        [one.scene.truth for one in training],
        label_prototypes=training[0].scene.prototypes,
        clean_images=[one.scene.clean for one in training],
        validation=([one.scene.image for one in validating], [one.scene.truth for one in validating]),
        prototypes=PROTOTYPES,
        time=TIME,
        krylov_dim=KRYLOV_DIM,
        rank=RANK,
        steps=steps,
        step_size=STEP_SIZE,
        rng=np.random.default_rng(options.seed),
    )
    labelings = [_labelings(one, trained.predictor) for one in testing]
    rows = [
        (f"unseen image {number}", *(wrong_percent(labels, one.scene.truth) for labels in found.values()))
        for number, (one, found) in enumerate(zip(testing, labelings, strict=True), start=1)
    ]
    mean = tuple(float(np.mean([row[column] for row in rows])) for column in range(1, 5))
    names = tuple(labelings[0])
    history = [
        {"step": s.step, "training": s.wrong_percent, "validation": s.validation_percent} for s in trained.history
    ]
    settings = {"size": options.size, "images": images, "steps": steps, "seed": options.seed, "noise": NOISE["a"]}
    return Report(
        settings=settings | {"time": TIME, "distance_scale": 1.0, "prototypes": PROTOTYPES, "step_size": STEP_SIZE},
        tables=(Table("% wrong pixels on unseen images (Fig. 5)", ("image", *names), [*rows, ("mean", *mean)]),),
        data={"history": history, "rows": [dict(zip(("image", *names), row, strict=True)) for row in rows]},
        figures=_draw(testing[0], labelings[0], trained, options),
    )


def _labelings(one: Scenario, predictor: laflow.WeightPredictor) -> dict[str, np.ndarray]:
    def label(weights: np.ndarray | None) -> np.ndarray:
        return laflow.solve_flow(one.problem, weights, time=TIME, krylov_dim=10).labels

    learned = laflow.learn_weights(one.problem, one.scene.truth, time=TIME, steps=30)
    return {
        "pixelwise": one.problem.pixelwise_labels(),
        "uniform": label(None),
        "predicted": label(laflow.predict_weights(predictor, one.scene.image)),
        "learned from the truth": learned.solution.labels,
    }


def _draw(
    one: Scenario, labelings: dict[str, np.ndarray], trained: laflow.TrainedPredictor, options: Options
) -> tuple[Path, ...]:
    if options.figures is None:
        return ()
    figure, axes = _figures.new_figure(4, 2)
    clean = laflow.LabelingProblem(laflow.distances_to_colors(one.scene.clean, one.scene.prototypes))
    learned = laflow.learn_weights(clean, one.scene.truth, time=TIME, steps=30).weights
    predicted = laflow.predict_weights(trained.predictor, one.scene.image)
    corner = (slice(0, SECTION), slice(0, SECTION))
    _figures.draw_image(axes[0, 0], one.scene.image, title="unseen image")
    _figures.draw_image(axes[0, 1], one.scene.prototypes[one.scene.truth], title="truth")
    for panel, name in zip((axes[0, 2], axes[0, 3]), ("uniform", "predicted"), strict=True):
        wrong = wrong_percent(labelings[name], one.scene.truth)
        _figures.draw_image(panel, one.scene.prototypes[labelings[name]], title=f"{name} weights: {wrong:.2f}% wrong")
    _draw_history(axes[1, 0], trained)
    _figures.draw_image(axes[1, 1], one.scene.image[corner], title=f"upper left {SECTION}×{SECTION} pixels")
    _figures.draw_image(axes[1, 2], _figures.weight_mosaic(learned[corner]), title="weights learned without noise")
    _figures.draw_image(axes[1, 3], _figures.weight_mosaic(predicted[corner]), title="weights predicted from noise")
    return (_figures.save(figure, options.figures, "predictor"),)


def _draw_history(axes, trained: laflow.TrainedPredictor) -> None:  # type: ignore[no-untyped-def]
    steps = [step.step for step in trained.history]
    axes.plot(steps, [step.wrong_percent for step in trained.history], label="training")
    measured = [step for step in trained.history if step.validation_percent is not None]
    values = [step.validation_percent for step in measured]
    axes.plot([step.step for step in measured], values, "o--", markersize=3, label="validation")
    axes.set_xlabel("step")
    axes.set_ylabel("% wrong pixels")
    axes.set_title("training of the predictor", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
