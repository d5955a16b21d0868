"""The method as pure functions: momentum, validation, racing, ranking, stages. docs/method.md has the formulas."""
