"""What the plugin tells the artist."""


class PluginError(Exception):
    """The artist can fix it; the text says what was found and what to do."""
