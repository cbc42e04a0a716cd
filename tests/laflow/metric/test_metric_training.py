"""Training a φ-model: every method learns, what is lost is found again, an interrupted run goes on unchanged."""

import numpy as np
import pytest

from laflow.checkpoint import Checkpoints, State
from laflow.errors import CheckpointError, ConvergenceError, ValueRangeError
from laflow.metric.features.feature_map import invariants
from laflow.metric.learning import descent, gauss_newton, training
from laflow.metric.learning.descent import RATES, annealed, largest_eigenvalue, range_test, stable_rate
from laflow.metric.learning.objective import Loss, MetricObjective
from laflow.metric.learning.training import train_metric
from laflow.metric.learning.training_methods import METHODS, GaussNewton
from laflow.metric.model.model_files import load_metric, load_metric_and_notes, save_metric
from laflow.metric.model.phi_model import PhiModel
from laflow.metric.quality.measures import determinants, sigma
from laflow.optimizers import MomentOptimizer
from tests.laflow.metric.surfaces import sampled

# Steps that a small model of the quartic needs to halve σ of Fubini–Study at least.
STEPS = {"gauss-newton": 6, "adam": 150, "lbfgs": 25, "gradient-descent": 150}


def small_model(points=600, dimension=2, **options):
    sample = sampled("fermat", dimension, points)
    return PhiModel.fresh(sample, np.random.default_rng(0), **{"width": 8, **options}), sample


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_learns(method):
    model, sample = small_model(parametrisation="ntk" if method == "gradient-descent" else "standard")
    trained = train_metric(model, sample, method=method, steps=STEPS[method], batch=100, precision="double")
    assert trained.steps == STEPS[method]
    assert trained.sigma < 0.5 * trained.fubini_study_sigma
    # The model that comes back is the one whose σ is told, on points that it has not seen.
    fresh = sampled("fermat", 2, 2000, seed=7)
    found = sigma(fresh, determinants(trained.model.metric(fresh)), model.kappa.value)
    assert found.value == pytest.approx(trained.sigma, rel=0.3)
    assert [entry.step for entry in trained.history] == sorted(entry.step for entry in trained.history)


def test_the_cubic_curve_is_learned_to_a_thousandth():
    model, sample = small_model(2000, dimension=1, width=16)
    trained = train_metric(model, sample, steps=12)
    fresh = sampled("fermat", 1, 4000, seed=7)
    assert sigma(fresh, determinants(trained.model.metric(fresh)), model.kappa.value).value <= 0.001


def test_training_ends_in_time_and_begins_no_step_that_would_not():
    model, sample = small_model(2000)
    trained = train_metric(model, sample, seconds=1.0)
    assert trained.seconds <= 1.3  # the machine may be busy in the last step
    assert trained.history[-1].seconds <= trained.seconds


@pytest.mark.parametrize("method", sorted(METHODS))
def test_an_interrupted_training_resumes_bit_for_bit(method, tmp_path):
    model, sample = small_model(300)
    steps, stop = 12, 7

    def run(callback=None, checkpoints=None):
        return train_metric(
            model,
            sample,
            method=method,
            steps=steps,
            batch=60,
            callback=callback,
            checkpoints=checkpoints,
            rng=np.random.default_rng(5),
        )

    whole = run()

    def interrupt(entry):
        if entry.step == stop:
            raise KeyboardInterrupt

    path = tmp_path / "run.npz"
    with pytest.raises(KeyboardInterrupt, match="resume"):
        run(interrupt, Checkpoints(path))
    resumed = run(checkpoints=Checkpoints(path, resume=True))
    np.testing.assert_array_equal(resumed.model.parameters, whole.model.parameters)
    timeless = [[(e.step, e.loss, e.sigma, e.rate, e.event) for e in trained.history] for trained in (whole, resumed)]
    # The entry of the interrupted step is not kept: its step is taken again.
    assert timeless[0] == timeless[1]
    assert resumed.steps == steps


def interrupted_at(monkeypatch, owner, name, call):
    """Ctrl-C at the end of the `call`th call of a method: within a step."""
    given, calls = getattr(owner, name), [0]

    def interrupting(*arguments):
        found = given(*arguments)
        calls[0] += 1
        if calls[0] == call:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(owner, name, interrupting)


# Where Ctrl-C comes within a step: the method, its largest number of parameters for normal equations, what is called.
WITHIN = {
    "adam, before the moments move": ("adam", None, MetricObjective, "gradient", 4),
    "adam, after the moments have moved": ("adam", None, MomentOptimizer, "descend", 7),
    "gauss-newton, normal equations": ("gauss-newton", None, MetricObjective, "normal_equations", 4),
    "gauss-newton, the kernel of random points": ("gauss-newton", 10, MetricObjective, "rows", 4),
    "lbfgs, a trial": ("lbfgs", None, MetricObjective, "gradient", 9),
    "gradient-descent": ("gradient-descent", None, MetricObjective, "gradient", 5),
}


@pytest.mark.parametrize("case", WITHIN)
def test_an_interruption_within_a_step_resumes_bit_for_bit(case, tmp_path, monkeypatch):
    method, most, owner, name, call = WITHIN[case]
    if most is not None:
        monkeypatch.setattr(gauss_newton, "MOST_PARAMETERS", most)
        monkeypatch.setattr(gauss_newton, "KERNEL_POINTS", 60)
    model, sample = small_model(300)
    rate = {"adam": 0.01, "gradient-descent": 1e-3}.get(method)

    def run(checkpoints=None):
        options = {"method": method, "steps": 10, "batch": 60, "learning_rate": rate}
        return train_metric(model, sample, checkpoints=checkpoints, rng=np.random.default_rng(5), **options)

    whole = run()
    path = tmp_path / "run.npz"
    with monkeypatch.context() as within:
        interrupted_at(within, owner, name, call)
        with pytest.raises(KeyboardInterrupt, match=r"before the end of step [1-9]"):
            run(Checkpoints(path))
    resumed = run(Checkpoints(path, resume=True))
    np.testing.assert_array_equal(resumed.model.parameters, whole.model.parameters)
    assert [(e.step, e.loss, e.sigma, e.rate) for e in resumed.history] == [
        (e.step, e.loss, e.sigma, e.rate) for e in whole.history
    ]


def test_a_callback_sees_the_model_of_each_look_and_the_history_holds_none():
    model, sample = small_model(300)
    held_out, seen = sampled("fermat", 2, 200, seed=9), []
    trained = train_metric(model, sample, held_out=held_out, steps=5, callback=seen.append)
    assert [look.step for look in seen] == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(seen[0].model.parameters, model.parameters)
    for look in seen:
        found = sigma(held_out, determinants(look.model.metric(held_out)), model.kappa.value)
        assert found.value == pytest.approx(look.sigma, rel=1e-9)
        with pytest.raises(ValueError, match="read-only"):
            look.model.parameters[0] = 1.0
    # Each look keeps its own: later steps do not write to it.
    assert len({look.model.parameters.tobytes() for look in seen}) == 6
    assert all(entry.model is None for entry in trained.history)
    assert trained.history == tuple(seen)


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    model, sample = small_model(300)
    path = tmp_path / "run.npz"
    train_metric(model, sample, steps=2, checkpoints=Checkpoints(path))
    with pytest.raises(CheckpointError, match="its steps is 2, here it is 3"):
        train_metric(model, sample, steps=3, checkpoints=Checkpoints(path, resume=True))
    other = model.with_parameters(model.parameters * 1.01)
    with pytest.raises(CheckpointError, match="its model"):
        train_metric(other, sample, steps=2, checkpoints=Checkpoints(path, resume=True))
    with pytest.raises(CheckpointError, match="already"):
        train_metric(model, sample, steps=2, checkpoints=Checkpoints(path))


class Sabotaged(GaussNewton):
    """Gauss–Newton that loses the metric at some steps: without number, or not positive."""

    lose = frozenset({3, 5})

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.taken, self.calmed = 0, 0

    def step(self, parameters, progress):
        self.taken += 1
        if self.taken in self.lose:
            broken = Loss(np.nan, np.nan, True) if self.taken % 2 else Loss(0.5, 0.1, False)
            return np.full_like(parameters, np.nan), broken
        return super().step(parameters, progress)

    def calm(self):
        self.calmed += 1
        super().calm()


def test_a_lost_metric_is_told_of_and_training_goes_on_from_the_best_so_far(monkeypatch):
    made = []

    def sabotaged(*arguments):
        made.append(Sabotaged(*arguments))
        return made[0]

    monkeypatch.setitem(METHODS, "gauss-newton", sabotaged)
    model, sample = small_model()
    trained = train_metric(model, sample, steps=12)
    assert (trained.recoveries, made[0].calmed) == (2, 2)
    assert [entry.event for entry in trained.history].count("recovered") == 2
    assert np.isfinite(trained.model.parameters).all()
    assert trained.sigma < 0.3 * trained.fubini_study_sigma


def test_a_start_that_is_positive_where_it_is_watched_only_begins_with_a_smaller_potential():
    model, sample = small_model(600)
    held_out = sampled("fermat", 2, 40, seed=9)
    parameters = model.parameters.copy()
    learning, watched = (
        MetricObjective(model.network, model.prepare(points, np.float64)) for points in (sample, held_out)
    )
    while learning.loss(parameters).positive:
        parameters[-9:] *= 1.1
    assert watched.loss(parameters).sound
    trained = train_metric(model.with_parameters(parameters), sample, held_out=held_out, method="adam", steps=60)
    assert trained.recoveries == 0
    assert trained.sigma < trained.fubini_study_sigma


def test_a_metric_that_is_lost_again_and_again_ends_the_training_with_the_reason(monkeypatch):
    class Lost(Sabotaged):
        lose = frozenset(range(1, 100))

    monkeypatch.setitem(METHODS, "gauss-newton", Lost)
    model, sample = small_model(100)
    with pytest.raises(ConvergenceError, match=r"lost its positivity 13 times.*best σ was 0\.2.*smaller"):
        train_metric(model, sample, steps=50)


def test_isolated_losses_of_the_metric_are_forgiven(monkeypatch):
    class Rare(Sabotaged):
        lose = frozenset(range(10, 400, 20))

    monkeypatch.setitem(METHODS, "gauss-newton", Rare)
    model, sample = small_model(300)
    trained = train_metric(model, sample, steps=400)
    assert trained.recoveries == 20 > training.MOST_LOSSES
    assert trained.steps == 400
    assert trained.sigma < 0.01 * trained.fubini_study_sigma
    assert trained.history[-1].event == ""


def test_what_was_learned_before_the_metric_is_lost_for_good_is_not_lost(monkeypatch, tmp_path):
    class Doomed(Sabotaged):
        lose = frozenset(range(20, 100))

    monkeypatch.setitem(METHODS, "gauss-newton", Doomed)
    model, sample = small_model(300)
    path = tmp_path / "run.npz"
    trained = train_metric(model, sample, steps=50, checkpoints=Checkpoints(path))
    assert (trained.steps, trained.recoveries) == (19 + 13, 13)
    assert [entry.event for entry in trained.history[-2:]] == ["recovered", "ended"]
    assert trained.sigma < 0.1 * trained.fubini_study_sigma
    # Resumed after its end, it has ended.
    again = train_metric(model, sample, steps=50, checkpoints=Checkpoints(path, resume=True))
    assert again.steps == trained.steps
    np.testing.assert_array_equal(again.model.parameters, trained.model.parameters)


def test_a_training_resumes_after_a_loss_that_was_no_number(monkeypatch, tmp_path):
    """Step 3 loses the metric with a loss that is no number, step 4 with one that is infinite."""

    class Lost(Sabotaged):
        def step(self, parameters, progress):
            found, loss = super().step(parameters, progress)
            return found, loss if loss.positive else Loss(np.inf, np.inf, False)

    monkeypatch.setitem(METHODS, "gauss-newton", Lost)
    model, sample = small_model(300)

    def run(lost, callback=None, checkpoints=None):
        Lost.lose = frozenset(lost)
        return train_metric(model, sample, steps=12, callback=callback, checkpoints=checkpoints)

    whole = run({3, 4})
    assert [entry.loss for entry in whole.history if entry.event] == [pytest.approx(np.nan, nan_ok=True), np.inf]
    for stop in (5, 8):

        def interrupt(entry, stop=stop):
            if entry.step == stop:
                raise KeyboardInterrupt

        path = tmp_path / f"{stop}.npz"
        with pytest.raises(KeyboardInterrupt, match="resume"):
            run({3, 4}, interrupt, Checkpoints(path))
        # `Sabotaged` counts its steps from the resumption on.
        resumed = run({}, checkpoints=Checkpoints(path, resume=True))
        np.testing.assert_array_equal(resumed.model.parameters, whole.model.parameters)
        np.testing.assert_array_equal([e.loss for e in resumed.history], [e.loss for e in whole.history])
        assert [e.event for e in resumed.history] == [e.event for e in whole.history]


def dead_parameters(model):
    """Saturated units: φ is constant, its gradient by all but the last bias vanishes."""
    dead = model.parameters.copy()
    first = model.network.sizes[0] * 8
    dead[first : first + 8] = -60.0
    dead[:first] = 0.0
    return dead


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_begins_anew_from_a_start_that_has_collapsed(method):
    """With default rates: no rate moves such a start, and the test for one says so."""
    model, sample = small_model(300)
    dead = model.with_parameters(dead_parameters(model))
    trained = train_metric(dead, sample, method=method, steps=STEPS[method] + 40, batch=60)
    assert trained.restarts == 1
    assert [entry.event for entry in trained.history].count("restarted") == 1
    assert trained.sigma < 0.7 * trained.fubini_study_sigma


def collapsing_at(step, monkeypatch, dead):
    class Collapsing(METHODS["adam"]):
        taken = 0

        def step(self, parameters, progress):
            self.taken += 1
            if self.taken == step:
                return dead.copy(), self._objective.loss(dead)
            return super().step(parameters, progress)

    monkeypatch.setitem(METHODS, "adam", Collapsing)


@pytest.mark.parametrize("step", [40, 120, 190])
def test_a_model_that_collapses_after_it_has_learned_goes_back_to_its_best(step, monkeypatch):
    model, sample = small_model(300)
    collapsing_at(step, monkeypatch, dead_parameters(model))
    trained = train_metric(model, sample, method="adam", steps=200, batch=60, learning_rate=0.01)
    assert (trained.restarts, trained.recoveries) == (0, 1)
    # Not left at Fubini–Study's: neither what comes back nor where training ends.
    assert trained.history[-1].sigma < 0.3 * trained.fubini_study_sigma
    event = next(entry for entry in trained.history if entry.event)
    # At the next of the looks, of which there are forty.
    assert step <= event.step <= step + 5
    assert (event.event, event.sigma) == ("recovered", min(e.sigma for e in trained.history if e.step <= event.step))


@pytest.mark.parametrize(("step", "restarts"), [(40, 1), (130, 1), (155, 1), (170, 0)])
def test_a_model_that_collapses_before_it_has_learned_begins_anew_while_that_pays_off(step, restarts, monkeypatch):
    model, sample = small_model(300)
    collapsing_at(step, monkeypatch, dead_parameters(model))
    # So small a rate learns nothing.
    trained = train_metric(model, sample, method="adam", steps=200, batch=60, learning_rate=1e-9)
    assert trained.restarts == restarts
    assert all(step <= entry.step <= step + 5 for entry in trained.history if entry.event == "restarted")


def test_a_model_that_has_collapsed_to_fubini_study_begins_anew():
    model, sample = small_model(300)
    dead = dead_parameters(model)
    trained = train_metric(model.with_parameters(dead), sample, method="adam", steps=400, batch=60, learning_rate=0.01)
    assert trained.restarts == 1
    assert [entry.event for entry in trained.history].count("restarted") == 1
    assert trained.sigma < 0.5 * trained.fubini_study_sigma


def test_a_model_that_learns_slowly_does_not_begin_anew():
    model, sample = small_model(300, features=invariants(4))
    trained = train_metric(model, sample, method="adam", steps=100, batch=60, learning_rate=1e-4)
    assert trained.restarts == 0


def test_a_model_whose_metric_is_not_positive_is_refused():
    model, sample = small_model(300)
    far = model.parameters.copy()
    far[-9:] *= 1e5
    with pytest.raises(ValueRangeError, match="not positive definite"):
        train_metric(model.with_parameters(far), sample, steps=2)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "neither seconds nor steps"),
        ({"steps": 0}, "steps is 0"),
        ({"seconds": -1}, "seconds is -1"),
        ({"steps": 1, "batch": 0}, "batch is 0"),
        ({"steps": 1, "learning_rate": 0}, "learning_rate is 0"),
        ({"steps": 1, "learning_rate": 0.1}, "the method gauss-newton has none"),
        ({"steps": 1, "learning_rate": 0.1, "method": "lbfgs"}, "take one of adam, gradient-descent"),
        ({"steps": 1, "method": "magic"}, "'magic': give one of gauss-newton"),
        ({"steps": 1, "precision": "half"}, "'half'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, told):
    model, sample = small_model(100)
    with pytest.raises(ValueRangeError, match=told):
        train_metric(model, sample, **options)


def test_the_learning_rate_falls_from_the_given_one_to_nothing():
    assert annealed(0.3, 0.0) == 0.3
    assert annealed(0.3, 1.0) == pytest.approx(0.0, abs=1e-16)
    assert annealed(0.3, 0.5) == pytest.approx(0.15)


def test_the_range_test_takes_the_rate_that_gets_lowest():
    model, sample = small_model()
    objective = MetricObjective(model.network, model.prepare(sample, np.float64))
    rate = range_test(objective, model.parameters, 100, np.random.default_rng(0))
    assert rate in RATES
    ends = {}
    for other in (rate, rate / 10):
        trained = train_metric(model, sample, method="adam", steps=30, batch=100, learning_rate=other)
        ends[other] = trained.history[-1].loss
    assert ends[rate] < ends[rate / 10]


@pytest.mark.parametrize("lowest", RATES)
def test_the_range_test_takes_the_rate_with_the_lowest_loss_whichever_it_is(lowest, monkeypatch):
    model, sample = small_model(100)
    objective = MetricObjective(model.network, model.prepare(sample, np.float64))
    before = objective.loss(model.parameters).value
    ends = {rate: 1e-3 * before * (1.0 + abs(np.log10(rate / lowest))) for rate in RATES}
    monkeypatch.setattr(descent, "_trial", lambda objective, judged, start, rate, batches: ends[rate])
    assert range_test(objective, model.parameters, 50, np.random.default_rng(0)) == lowest


class Scripted:
    """An objective whose gradients and losses are given, one after the other."""

    def __init__(self, *found):
        self.found = list(found)

    def at(self, chosen):
        return self

    def gradient(self, parameters):
        return self.found.pop(0)

    def loss(self, parameters):
        return self.found.pop(0)


SOUND, LOW_BUT_LOST = Loss(0.5, 0.1, True), Loss(1e-9, 1e-9, False)
SLOPE = np.ones(3)


@pytest.mark.parametrize(
    ("second", "end", "value"),
    [
        ((SOUND, SLOPE), SOUND, 0.5),
        ((LOW_BUT_LOST, SLOPE), SOUND, np.inf),
        ((Loss(np.nan, np.nan, True), SLOPE), SOUND, np.inf),
        ((SOUND, np.array([1.0, np.inf, 1.0])), SOUND, np.inf),
        ((SOUND, SLOPE), LOW_BUT_LOST, np.inf),
    ],
)
def test_a_rate_that_loses_the_metric_or_finiteness_on_its_way_is_out(second, end, value):
    steps = Scripted((SOUND, SLOPE), second)
    assert descent._trial(steps, Scripted(end), np.zeros(3), 0.1, [np.arange(2)] * 2) == value


def test_the_best_model_is_one_of_a_metric_however_low_sigma_is_elsewhere():
    model, sample = small_model(100)
    options = training.TrainingOptions(steps=3)
    run = training._Run(model, sample, sample, options, np.random.default_rng(0), resumed=False)
    first = run._best
    run._parameters = 2.0 * model.parameters
    run._watched = Scripted(LOW_BUT_LOST, Loss(1e-9, 1e-9, True))
    run._look(None)
    assert run._best is first
    run._look(None)
    assert run._best.parameters is run._parameters


def test_the_stable_rate_is_that_of_the_largest_eigenvalue():
    matrix = np.diag([1.0, 2.0, 8.0])
    found = largest_eigenvalue(lambda v: matrix @ v, 3, np.random.default_rng(0))
    assert found == pytest.approx(8.0, rel=1e-6)
    model, sample = small_model(200)
    objective = MetricObjective(model.network, model.prepare(sample, np.float64))
    jacobian = objective.rows(model.parameters).jacobian
    exact = 1 / (2 * np.linalg.norm(jacobian, 2) ** 2)
    assert stable_rate(objective, model.parameters, np.random.default_rng(0)) == pytest.approx(exact, rel=0.02)


def test_a_model_comes_back_from_its_file_as_it_was(tmp_path):
    for kind, features in (("fermat", None), ("generic", None)):
        sample = sampled(kind, 2, 200)
        model = PhiModel.fresh(sample, np.random.default_rng(0), width=5, features=features, activation="softplus")
        path = tmp_path / f"{kind}.npz"
        save_metric(model, path, {"sigma": 0.25})
        found, notes = load_metric_and_notes(path)
        assert notes == {"sigma": 0.25}
        assert (found.network, found.features, found.kappa) == (model.network, model.features, model.kappa)
        np.testing.assert_array_equal(found.metric(sample), model.metric(sample))


def test_a_truncated_or_foreign_model_file_is_refused(tmp_path):
    from laflow.errors import ModelError

    model, _ = small_model(100)
    path = tmp_path / "model.npz"
    save_metric(model, path)
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"model\.npz"):
            load_metric(path)
    with pytest.raises(ModelError, match="no metric model"):
        load_metric(tmp_path / "other.npz")


def test_a_damaged_state_is_refused():
    model, sample = small_model(100)
    options = training.TrainingOptions(steps=3)
    arguments = (model, sample, sample, options, np.random.default_rng(0))
    run = training._Run(*arguments, resumed=False)
    state = run._captured()()
    for name in ("step", "best_sigma", "events", "random", "method_damping"):
        numbers = {**state.numbers, name: None}
        with pytest.raises(CheckpointError):
            training._Run(*arguments, resumed=True).restore(State(numbers, state.arrays))
