"""The benchmarks, one per module; `bench.__main__.BENCHMARKS` has their order."""
