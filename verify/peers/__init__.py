"""The same gradient by other people's tools, as well as those tools allow. Benchmarks compare with them."""
