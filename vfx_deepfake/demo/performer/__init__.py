"""The procedural performer: a head that is nobody's, drawn by code in scene-linear ACEScg, with exact answers."""
