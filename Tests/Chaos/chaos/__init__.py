"""The chaos lab: real processes on a private Redis, harmed by a plan that follows from a seed, and a judge of what came of every job."""
