"""The sets of tools/conformance."""
