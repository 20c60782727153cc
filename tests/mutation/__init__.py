"""A mutation run over `bot/domain`: a unit test must fail for each small change.

The runner is the project's own, because the domain keeps its rules in tables, lambdas and defaults of dataclasses.
mutmut 3 changes functions only. cosmic-ray changes operators in type annotations, which nothing evaluates, but neither
entries of tables nor statements.
"""
