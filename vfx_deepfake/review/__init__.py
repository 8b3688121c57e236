"""The record of who decided what about which version, and what made it: one database a show, and its journal.

Everything that changes is an event (:mod:`.ledger`); what an event does to the tables stands in :mod:`.effects`, for a live change and for
a rebuild alike.
"""
