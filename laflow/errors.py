"""Every error that the package raises on purpose: what is wrong, the value found, and what to do about it."""


class LaflowError(ValueError):
    """Base class of all errors raised by laflow."""


class ShapeError(LaflowError):
    """An array has the wrong number of dimensions, size or data type."""


class ValueRangeError(LaflowError):
    """A number or an array entry lies outside the range where the formulas hold."""


class GraphError(LaflowError):
    """A graph is empty, inconsistent, or has a node without neighbours."""


class ProblemSizeError(LaflowError):
    """A reference method was asked for a problem larger than it can hold in memory."""


class ConvergenceError(LaflowError):
    """An iteration ended before it reached what was asked of it."""


class FileError(LaflowError):
    """A file cannot be read or written."""


class ModelError(FileError):
    """A model file is damaged, foreign, of an unknown version, or made for other features."""


class CheckpointError(FileError):
    """A checkpoint is missing, damaged, foreign, of another run, or would be overwritten."""
