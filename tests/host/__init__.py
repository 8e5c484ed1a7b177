"""The reference host, its picture, and the tools behind make demo and make test."""
