"""Emit the C source of the embedded module: its cdef is derived from esm_coupler.h.

Usage: python emit_embedding.py esm_coupler.h OUTPUT_FOLDER
Each prototype `int esm_xxx(...)` becomes `int esm_python_xxx(...)`, which Python implements; the
result of those is the status + 1, because cffi gives 0 where Python could not be called.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from cffi import FFI

MODULE = "_esm_coupler"
PROTOTYPE = re.compile(r"\bint\s+esm_(\w+)\s*\(([^)]*)\)\s*;")
C_ONLY = "void esm_set_message(const char *text);"
SOURCE = f"""
#include <stdint.h>
{C_ONLY}
int esm_embedding_start(void);
int esm_embedding_start(void) {{ return cffi_start_python(); }}
"""


def prototypes(header: str) -> list[str]:
    """The prototypes of esm_coupler.h under the names that Python implements."""
    bare = re.sub(r"/\*.*?\*/", " ", header, flags=re.DOTALL)
    return [
        f"int esm_python_{name}({' '.join(arguments.split())});"
        for name, arguments in PROTOTYPE.findall(bare)
    ]


def emit(header: Path, folder: Path) -> None:
    """Write `_esm_coupler.c` and `embedding.h`, the same prototypes for the C side."""
    declarations = prototypes(header.read_text(encoding="utf-8"))
    ffi = FFI()
    ffi.embedding_api("\n".join(declarations))
    ffi.cdef(C_ONLY)
    ffi.set_source(MODULE, SOURCE)
    ffi.embedding_init_code("pass")  # interpreter.c registers the functions, and reports errors
    folder.mkdir(parents=True, exist_ok=True)
    ffi.emit_c_code(str(folder / f"{MODULE}.c"))
    lines = ["/* Generated from esm_coupler.h. */", "#include <stdint.h>", *declarations]
    lines.append("int esm_embedding_start(void);")
    (folder / "embedding.h").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    emit(Path(sys.argv[1]), Path(sys.argv[2]))
