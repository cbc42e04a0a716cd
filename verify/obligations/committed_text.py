"""O4: the committed kernels are what the derivation generates, and their own checksums hold."""

from __future__ import annotations

from derivations.algebra.lemma import Lemma
from derivations.compiler.files import body_checksum_holds, kernel_files
from verify.obligations.outcome import Effort, Outcome, absent, holds_unless


def discharge(lemma: Lemma, effort: Effort) -> Outcome:
    """Regenerate each kernel of the lemma and compare."""
    if not lemma.programs:
        return absent("no kernel")
    faults, names = [], {program.name for program in lemma.programs}
    for item in kernel_files([lemma]):
        if item.path.stem not in names:
            continue
        if not item.path.exists():
            faults.append(f"{item.path.name} is missing")
            continue
        if item.difference():
            faults.append(f"{item.path.name} differs from its derivation")
        if not body_checksum_holds(item.path.read_text(encoding="utf-8")):
            faults.append(f"{item.path.name}: the body does not match its checksum")
    return holds_unless(faults, f"{len(names)} of {len(names)} as generated", kernels=sorted(names))
