"""For authors of plug-ins: conformance suites and drawn data."""
