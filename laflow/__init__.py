"""Gradients of flows: learning to label images with the linearized assignment flow.

A labeling problem is an array of distances and a graph. `solve_flow` labels it with given weights,
`loss_gradient` differentiates the loss, `learn_weights` learns the weights of one image, and
`train_predictor` learns to predict the weights of images that have not been seen.

Names are imported when they are first used: importing laflow takes no time, and neither does `laflow --help`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from laflow.assignment.distances import (
        distances_to_colors,
        distances_to_patches,
        mean_colors,
        patch_features,
    )
    from laflow.assignment.flow import FlowSolution, LabelingProblem, euler_flow, solve_flow
    from laflow.assignment.gradient import LossGradient, exponential_step, loss_gradient, riemannian_gradient
    from laflow.assignment.learning import LearnedWeights, LearningStep, learn_weights
    from laflow.assignment.model import LabelingModel, load_model, save_model
    from laflow.assignment.objective import direction_loss, regularizer
    from laflow.assignment.predictor import WeightPredictor, initial_predictor, predict_weights
    from laflow.assignment.training import TrainedPredictor, TrainingStep, train_predictor
    from laflow.checkpoint import Checkpoints
    from laflow.errors import (
        CheckpointError,
        FileError,
        GraphError,
        LaflowError,
        ModelError,
        ProblemSizeError,
        ShapeError,
        ValueRangeError,
    )
    from laflow.graph import GridGraph, SparseGraph

__version__ = "0.1.0"

_HOME = {
    "laflow.assignment.distances": "distances_to_colors distances_to_patches mean_colors patch_features",
    "laflow.assignment.flow": "FlowSolution LabelingProblem euler_flow solve_flow",
    "laflow.assignment.gradient": "LossGradient exponential_step loss_gradient riemannian_gradient",
    "laflow.assignment.learning": "LearnedWeights LearningStep learn_weights",
    "laflow.assignment.model": "LabelingModel load_model save_model",
    "laflow.assignment.objective": "direction_loss regularizer",
    "laflow.assignment.predictor": "WeightPredictor initial_predictor predict_weights",
    "laflow.assignment.training": "TrainedPredictor TrainingStep train_predictor",
    "laflow.checkpoint": "Checkpoints",
    "laflow.errors": (
        "CheckpointError FileError GraphError LaflowError ModelError ProblemSizeError ShapeError ValueRangeError"
    ),
    "laflow.graph": "GridGraph SparseGraph",
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}

__all__ = [
    "CheckpointError",
    "Checkpoints",
    "FileError",
    "FlowSolution",
    "GraphError",
    "GridGraph",
    "LabelingModel",
    "LabelingProblem",
    "LaflowError",
    "LearnedWeights",
    "LearningStep",
    "LossGradient",
    "ModelError",
    "ProblemSizeError",
    "ShapeError",
    "SparseGraph",
    "TrainedPredictor",
    "TrainingStep",
    "ValueRangeError",
    "WeightPredictor",
    "direction_loss",
    "distances_to_colors",
    "distances_to_patches",
    "euler_flow",
    "exponential_step",
    "initial_predictor",
    "learn_weights",
    "load_model",
    "loss_gradient",
    "mean_colors",
    "patch_features",
    "predict_weights",
    "regularizer",
    "riemannian_gradient",
    "save_model",
    "solve_flow",
    "train_predictor",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'laflow' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
