"""Every dependency's licence must be one that goes with EUPL-1.2: permissive, or copyleft up to MPL and EUPL."""

import json
import re
import subprocess
import sys

ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0",
    "CDLA-Permissive-2.0", "EUPL-1.2", "ISC", "MIT", "MIT-0", "MPL-2.0", "OpenSSL", "PostgreSQL", "Unicode-3.0", "Unlicense",
    "Zlib", "blessing",
}


def allowed(expression: str) -> bool:
    """Whether an SPDX expression can be met by what is allowed: OR needs one, AND needs all."""
    tokens = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))

    def any_of(place: int) -> tuple[bool, int]:
        value, place = all_of(place)
        while place < len(tokens) and tokens[place] == "OR":
            other, place = all_of(place + 1)
            value = value or other
        return value, place

    def all_of(place: int) -> tuple[bool, int]:
        value, place = one(place)
        while place < len(tokens) and tokens[place] == "AND":
            other, place = one(place + 1)
            value = value and other
        return value, place

    def one(place: int) -> tuple[bool, int]:
        if tokens[place] == "(":
            value, place = any_of(place + 1)
            return value, place + 1
        name, place = tokens[place], place + 1
        if place < len(tokens) and tokens[place] == "WITH":
            name, place = f"{name} WITH {tokens[place + 1]}", place + 2
        return name in ALLOWED, place

    return any_of(0)[0]


assert allowed("MIT OR GPL-3.0") and allowed("(MIT OR GPL-3.0) AND ISC")
assert not allowed("GPL-3.0") and not allowed("MIT AND AGPL-3.0")

metadata = json.loads(subprocess.check_output(["cargo", "metadata", "--format-version=1", "--locked"]))
wrong = [
    f"{package['name']} {package['version']}: {package['license'] or 'no licence named'}"
    for package in metadata["packages"]
    if not allowed(package["license"] or "none")
]
if wrong:
    sys.exit("Licences that don't go with this project:\n  " + "\n  ".join(wrong))
print(f"{len(metadata['packages'])} packages")
