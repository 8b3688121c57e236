"""A shot's stages as a job for a farm: one description, translated for every engine.

::

    plan.py       shot, frames, settings -> an Open Job Description template (plain data)
    decoded.py    template + parameters -> steps with tasks: what every engine is told, translated from nowhere else
    worker.py     one task on a host: time limit, retries, log lines, the outcome on record
    job.py        submit: check, plan, decode, hand to an engine, write down what was submitted
    shotlist.py   a list of shots, TOML or CSV
    batch.py      the shots of a list to an engine; a broken one disturbs no other
    status.py     how shots stand, from what is on disk
    queue.py      what an engine's queue knows beyond that
    backends/     one module an engine; its docstring says what maps, what is lossy and what is not mapped
"""
