"""deploy/test: the parts of the test suite, and what runs them and adds up their counts."""
