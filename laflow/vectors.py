"""Vectors of neighbouring numbers as values in compiled code: what a processor loads, multiplies and stores at once.

The compiler makes vector instructions of simple loops by itself, but it keeps the sums of several rows in memory, as it
must fear that rows overlap. Where sums over neighbours cost most they are written with these, and stay in registers.

In compiled code only: `several(array)` and `single(array)` are zeros, as many as a register takes or one. A loop over
whole vectors is followed by one over what is left, of the same text and with the same rounding.
"""

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, config, types
from numba.extending import intrinsic, models, register_model

# Bytes of a register, and how many there are: with AVX-512 and with AVX2. On processors whose registers are smaller the
# compiler takes several for one.
_FEATURES = config.CPU_FEATURES if config.CPU_FEATURES is not None else llvm.get_host_cpu_features().flatten()
REGISTER, REGISTERS = (64, 32) if "+avx512f" in _FEATURES.split(",") else (32, 16)


class Vector(types.Type):
    """So many `lanes` of `element`, float64 or float32."""

    def __init__(self, element: Any, lanes: int) -> None:
        self.element, self.lanes = element, lanes
        super().__init__(name=f"Vector({element}, {lanes})")

    @property
    def machine(self) -> ir.VectorType:
        """The type in the compiler's language."""
        scalar = ir.DoubleType() if self.element == types.float64 else ir.FloatType()
        return ir.VectorType(scalar, self.lanes)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        super().__init__(manager, vector, vector.machine)


def _zeros(lanes: int, array: Any) -> Any:
    kind = Vector(array.dtype, lanes)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(kind.machine, None)

    return kind(array), generate


@intrinsic
def several(typing: Any, array: Any) -> Any:
    """Zeros of the type of `array`, as many as fit a register."""
    return _zeros(REGISTER * 8 // array.dtype.bitwidth, array)


@intrinsic
def single(typing: Any, array: Any) -> Any:
    """One zero of the type of `array`."""
    return _zeros(1, array)


@intrinsic
def lanes(typing: Any, vector: Vector) -> Any:
    """How many numbers a vector holds."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.get_constant(types.intp, vector.lanes)

    return types.intp(vector), generate


@intrinsic
def spread(typing: Any, vector: Vector, number: Any) -> Any:
    """A vector like `vector` of one number."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = context.cast(builder, arguments[1], number, vector.element)
        first = builder.insert_element(ir.Constant(vector.machine, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), vector.lanes), [0] * vector.lanes)
        return builder.shuffle_vector(first, ir.Constant(vector.machine, ir.Undefined), lanes)

    return vector(vector, number), generate


def _pointer(context: Any, builder: Any, array: Any, value: Any, place: Any, vector: Vector) -> Any:
    structure = context.make_array(array)(context, builder, value)
    indices = cgutils.unpack_tuple(builder, place)
    entry = cgutils.get_item_pointer(context, builder, array, structure, indices, wraparound=False)
    return builder.bitcast(entry, vector.machine.as_pointer())


@intrinsic
def load(typing: Any, vector: Vector, array: Any, place: Any) -> Any:
    """A vector like `vector` of the entries of `array` from `place` on, along its last axis, which is contiguous.

    Nothing checks that they are there.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, array, arguments[1], arguments[2], vector)
        return builder.load(pointer, align=vector.element.bitwidth // 8)

    return vector(vector, array, place), generate


@intrinsic
def store(typing: Any, vector: Vector, array: Any, place: Any) -> Any:
    """Write `vector` to the entries of `array` from `place` on, as `load` reads them."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, array, arguments[1], arguments[2], vector)
        builder.store(arguments[0], pointer, align=vector.element.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(vector, array, place), generate


@intrinsic
def fetch(typing: Any, vector: Vector, array: Any, place: Any) -> Any:
    """Ask for the line of the cache with the entry at `place`, so that it is near when it is read.

    No result depends on it, and the entry need not exist.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.bitcast(
            _pointer(context, builder, array, arguments[1], arguments[2], vector), ir.IntType(8).as_pointer()
        )
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, word, word, word])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        # to read; into the second level; data
        builder.call(function, [pointer, *(ir.Constant(word, number) for number in (0, 2, 1))])
        return context.get_dummy_value()

    return types.void(vector, array, place), generate


@intrinsic
def multiply_add(typing: Any, left: Vector, right: Vector, added: Vector) -> Any:
    """``left * right + added``, each rounded: results are the same on all processors."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fadd(builder.fmul(arguments[0], arguments[1]), arguments[2])

    return left(left, right, added), generate


@intrinsic
def before(typing: Any, left: Vector, right: Vector) -> Any:
    """The numbers that lie one place before those of `right`, where `left` holds those before it."""
    return _across(left, left.lanes - 1)


@intrinsic
def after(typing: Any, left: Vector, right: Vector) -> Any:
    """The numbers that lie one place after those of `left`, where `right` holds those after it."""
    return _across(left, 1)


def _across(kind: Vector, first: int) -> Any:
    """As many numbers as a vector holds, from the one at `first` on, of two vectors one after the other."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        places = list(range(first, first + kind.lanes))
        return builder.shuffle_vector(*arguments, ir.Constant(ir.VectorType(ir.IntType(32), kind.lanes), places))

    return kind(kind, kind), generate
