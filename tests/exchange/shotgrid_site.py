"""A ShotGrid site in memory: the library's own Mockgun with a schema made here, and what the real server does beyond it.

Added to Mockgun: times and authors of what is created, the event log of changes of status, and uploads.
"""

from __future__ import annotations

import datetime as dt
import itertools
import pickle

from shotgun_api3.lib.mockgun import Shotgun

TEXT, NUMBER, DATE, BOOL, STATUS = "text", "number", "date_time", "checkbox", "status_list"
COMMON = {"created_at": DATE, "project": ("Project",)}
SCHEMA = {
    "Project": {"name": TEXT},
    "HumanUser": {"login": TEXT, "name": TEXT},
    "ApiUser": {"name": TEXT},
    "Shot": {"code": TEXT},
    "Task": {"content": TEXT, "entity": ("Shot",)},
    "Version": {
        "code": TEXT, "entity": ("Shot",), "sg_task": ("Task",), "user": ("HumanUser", "ApiUser"), "description": TEXT,
        "sg_status_list": STATUS, "sg_path_to_frames": TEXT, "sg_path_to_movie": TEXT, "sg_uploaded_movie": "url",
        "sg_first_frame": NUMBER, "sg_last_frame": NUMBER, "frame_range": TEXT, "frame_count": NUMBER, "sg_movie_has_slate": BOOL,
    },
    "Note": {"subject": TEXT, "content": TEXT, "note_links": ["Version", "Shot"], "user": ("HumanUser", "ApiUser")},
    "Reply": {"content": TEXT, "entity": ("Note",), "user": ("HumanUser", "ApiUser")},
    "EventLogEntry": {
        "event_type": TEXT, "description": TEXT, "attribute_name": TEXT, "entity": ("Version",), "meta": "serializable",
        "user": ("HumanUser", "ApiUser"),
    },
}  # fmt: skip
STATUSES = ["na", "rev", "vwd", "apr", "chg"]


def _field(kind):
    linked = isinstance(kind, tuple | list)
    data_type = "multi_entity" if isinstance(kind, list) else "entity" if linked else kind
    properties = {"default_value": {"value": None}, "valid_types": {"value": list(kind) if linked else []}}
    if kind == STATUS:
        properties["valid_values"] = {"value": STATUSES}
    return {"data_type": {"value": data_type}, "properties": properties}


def write_schema(folder) -> None:
    """Tell Mockgun about it; it reads a schema from two pickled files."""
    schema = {
        entity: {name: _field(kind) for name, kind in {**COMMON, **fields, "id": NUMBER}.items()}
        for entity, fields in SCHEMA.items()
    }
    for file, data in (("schema", schema), ("entities", {})):
        (folder / file).write_bytes(pickle.dumps(data))
    Shotgun.set_schema_paths(str(folder / "schema"), str(folder / "entities"))


class Site(Shotgun):
    """One project ``demo`` with sh0010 and its task Compositing. ``outages``: the calls that fail, "create Note" or "upload Version"."""

    def __init__(self) -> None:
        self.user, self.uploads, self.outages, self.calls = None, {}, [], []
        self._clock = itertools.count()
        super().__init__("https://sg.test", script_name="vfx", api_key="key")
        self.script = self.create("ApiUser", {"name": "vfx"})
        project = {"type": "Project", "id": self.create("Project", {"name": "demo"})["id"]}
        self.shot = self.create("Shot", {"code": "sh0010", "project": project})
        self.create("Shot", {"code": "sh0020", "project": project})
        self.create("Task", {"content": "Compositing", "entity": self.shot, "project": project})
        self.people = {
            name: self.create("HumanUser", {"login": f"{name}@studio.com", "name": name.title()})
            for name in ("ana", "carl")
        }
        self.user = self.script

    def create(self, entity_type, data, return_fields=None):
        self._step(f"create {entity_type}")
        known = {
            "created_at": self._now(),
            **({"user": self.user} if "user" in SCHEMA[entity_type] and self.user else {}),
        }
        found = super().create(entity_type, {**known, **data}, return_fields)
        self._step(f"created {entity_type}")
        return found

    def update(self, entity_type, entity_id, data, multi_entity_update_modes=None):
        self._step(f"update {entity_type}")
        row = self._db[entity_type][entity_id]
        old = row.get("sg_status_list")
        found = super().update(entity_type, entity_id, data, multi_entity_update_modes)
        if data.get("sg_status_list", old) != old:
            self.create("EventLogEntry", {
                "event_type": "Shotgun_Version_Change", "attribute_name": "sg_status_list",
                "entity": {"type": entity_type, "id": entity_id},
                "meta": {"old_value": old, "new_value": data["sg_status_list"]},
            })  # fmt: skip
        self._step(f"updated {entity_type}")
        return found

    def upload(self, entity_type, entity_id, path, field_name=None, display_name=None, tag_list=None):
        self._step(f"upload {entity_type}")
        with open(path, "rb") as movie:
            self.uploads[entity_id, field_name] = movie.read()
        self._db[entity_type][entity_id][field_name] = {"name": path.rpartition("/")[2], "link_type": "upload"}
        return 1

    def schema_field_read(self, entity_type, field_name=None, project_entity=None):
        return super().schema_field_read(entity_type, field_name)

    # what people do there

    def as_person(self, name, action, *args):
        """Somebody does something."""
        self.user = self.people[name]
        try:
            return action(*args)
        finally:
            self.user = self.script

    def say(self, name, version, text, subject="note"):
        links = [{"type": "Version", "id": version}]
        project = {"type": "Project", "id": 1}
        return self.as_person(
            name, self.create, "Note", {"subject": subject, "content": text, "note_links": links, "project": project}
        )

    def rows(self, entity_type):
        return list(self._db[entity_type].values())

    def _now(self):
        return dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC) + dt.timedelta(minutes=next(self._clock))

    def _step(self, call):
        self.calls.append(call)
        if call in self.outages:
            self.outages.remove(call)
            raise ConnectionResetError("away")
