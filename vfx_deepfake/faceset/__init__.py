"""Facesets: aligned crops of one identity with their provenance (docs/facesets.md)."""
