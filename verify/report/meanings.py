"""What each obligation shows, what it rests on, and what it does not show."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Meaning:
    """Three sentences, without their full stops."""

    shows: str
    rests_on: str
    does_not_show: str


MEANINGS = {
    "O1": Meaning(
        shows="what SymPy's differentiation makes of the map is what the paper states, for all sizes",
        rests_on="SymPy's diff, and the rules of derivations/algebra/normal_form.py",
        does_not_show="that the map itself is the one the paper means: compare it with the statement",
    ),
    "O2": Meaning(
        shows="each kernel's program computes the formula, whatever its shifts by a maximum are rounded to",
        rests_on="the same normal form",
        does_not_show="anything about rounding: that is O5",
    ),
    "O3": Meaning(
        shows="the same at explicit small sizes, exactly modulo primes, derivatives by dual numbers",
        rests_on="derivations/algebra/explicit.py, which shares no code with O1",
        does_not_show="other sizes; and false claims can agree at a random point, with odds of their degree to 2^31",
    ),
    "O4": Meaning(
        shows="each committed kernel is what its derivation generates, byte by byte, with its own checksum",
        rests_on="SHA-256, and the printer in derivations/compiler",
        does_not_show="that the printer is right: O5 and O7 run its output",
    ),
    "O5": Meaning(
        shows="on every input tried, the kernel lies within its rounding bound, and that within the docstring's bound",
        rests_on="enclosures of the formula in Arb's 200-bit balls; a bound that adds up what each operation costs",
        does_not_show="inputs that were not tried; and the bound is to first order",
    ),
    "O6": Meaning(
        shows="derivatives agree with complex steps, adjoints with dot products, and Taylor remainders have order 2",
        rests_on="arithmetic on the map as written, without symbolic differentiation",
        does_not_show="faults below the detection limits in the table below",
    ),
    "O7": Meaning(
        shows="single faults planted in a kernel's text (operators, names, ranges, steps) are noticed when it runs",
        rests_on="the inputs of O5, many blocks and tasks, and a look at what lies outside the nodes",
        does_not_show="faults of other kinds; those that change nothing are listed, with a reason each",
    ),
    "O8": Meaning(
        shows="near misses of each claim (a sign, a mean, a weight, a transpose) are refuted by both proofs",
        rests_on="O1 and O3, with the wrong formula in place of the right one",
        does_not_show="near misses that nobody thought of",
    ),
}
