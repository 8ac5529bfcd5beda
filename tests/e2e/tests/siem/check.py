"""Compares what receivers were sent with what the ledger holds, written from docs/reference/channels.md alone.

check.py LEDGER FOLDER FROM: LEDGER is an export, a JSON line each; FOLDER holds a file for each receiver, named
for what it was sent: json, cef, leef, ocsf, collector. Events from index FROM on must be there, each as it is in
the ledger. Ends in one line of JSON.
"""

import json
import os
import re
import sys

import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

ledger, folder, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
events = {}
for line in open(ledger, encoding="utf-8"):
    entry = json.loads(line)
    index = entry.pop("index")
    events[index] = entry.get("event", entry)

HEADER = re.compile(r"<(\d+)>1 (\S+) (\S+) postern - (\S+) ")
schemas = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.8.0"))
validators = {}


def structured(text):
    """The parameters of one element of structured data, and what follows it (RFC 5424, section 6.3)."""
    assert text.startswith("[postern@32473"), text[:80]
    at, found = len("[postern@32473"), {}
    while text[at] == " ":
        name, at = text[at + 1 :].split("=", 1)[0], text.index('="', at) + 2
        value = ""
        while text[at] != '"':
            at += text[at] == "\\"
            value += text[at]
            at += 1
        found[name] = value
        at += 1
    assert text[at] == "]", text[at:]
    return found, text[at + 2 :]


def syslog(line):
    header = HEADER.match(line)
    assert header, line[:120]
    priority, at, _, action = header.groups()
    assert int(priority) // 8 == 13
    data, message = structured(line[header.end() :])
    return at, action, data, message


def user(event):
    actor = event["actor"]
    return {"user": actor.get("name"), "system": "postern", "console": "console"}.get(actor["kind"])


def millis(event):
    from datetime import datetime

    return round(datetime.fromisoformat(event["at"].replace("Z", "+00:00")).timestamp() * 1000)


def as_json(message, event):
    assert json.loads(message) == event, (message, event)


def unescaped(text, special):
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]) if special else m[1], text)


def as_cef(message, event):
    parts = re.split(r"(?<!\\)(?:\\\\)*\|", message, maxsplit=7)
    assert parts[:3] == ["CEF:0", "Postern", "Postern"] and len(parts) == 8, message
    assert unescaped(parts[4], False) == event["action"]
    assert 0 <= int(parts[6]) <= 10
    fields = {}
    marks = [m for m in re.finditer(r"(?:^| )([A-Za-z0-9]+)=", parts[7]) if parts[7][m.end() - 2] != "\\"]
    for mark, after in zip(marks, marks[1:] + [None]):
        fields[mark[1]] = unescaped(parts[7][mark.end() : after.start() if after else None], True)
    assert fields["act"] == event["action"] and fields["cs2"] == event["target"], message
    assert int(fields["rt"]) == millis(event) and fields["outcome"] == event["outcome"]
    assert fields.get("suser") == user(event), message
    if len(fields["cs1"]) < 1023:
        assert json.loads(fields["cs1"]) == event.get("details", {}), message
    return int(fields["externalId"])


def as_leef(message, event):
    header, fields = message.split("|x09|", 1)
    assert header.split("|")[:3] == ["LEEF:2.0", "Postern", "Postern"] and header.endswith("|" + event["action"])
    fields = dict(field.split("=", 1) for field in fields.split("\t"))
    assert fields["resource"] == event["target"] and int(fields["devTime"]) == millis(event), message
    assert fields.get("usrName") == user(event) and fields["outcome"] == event["outcome"]
    if len(fields["details"]) < 4000:
        assert json.loads(fields["details"]) == event.get("details", {}), message
    return int(fields["index"])


invalid, classes = [], set()


def as_ocsf(message, event):
    told = json.loads(message)
    name = schemas.lookup_class_name_from_uid(told["class_uid"])
    if name not in validators:
        validators[name] = jsonschema.Draft202012Validator(schemas.get_class_schema(name))
    classes.add(name)
    for error in validators[name].iter_errors(told):
        invalid.append(f"{told.get('metadata', {}).get('event_code')}: {name}: {error.json_path}: {error.message[:200]}")
    if event is None:
        return None
    assert json.loads(told["raw_data"]) == event
    assert told["unmapped"]["action"] == event["action"] and told["time"] == millis(event)
    return told["metadata"]["sequence"]


def as_collected(told, event):
    assert told["event"]["event"] == event and told["sourcetype"] == "postern:event", told
    assert float(told["time"]) * 1000 - millis(event) < 1
    assert told["fields"]["ledger_index"] == told["event"]["index"]
    return told["event"]["index"]


CHECKS = {"json": as_json, "cef": as_cef, "leef": as_leef, "ocsf": as_ocsf}
received, twice, missing, beats = 0, 0, [], 0
for name in sorted(os.listdir(folder)):
    seen = set()
    for line in open(os.path.join(folder, name), encoding="utf-8"):
        line = line.rstrip("\n")
        if name == "collector":
            told = json.loads(line)
            if "heartbeat" in told["event"]:
                beats += 1
                assert told["event"]["heartbeat"]["size"] <= len(events)
                continue
            index = as_collected(told, events.get(told["event"]["index"]))
        else:
            at, action, data, message = syslog(line)
            if action == "heartbeat":
                beats += 1
                assert int(data["size"]) <= len(events) and len(data["root"]) == 64
                if name == "ocsf":
                    as_ocsf(message, None)
                continue
            index = int(data["index"])
            event = events[index]
            assert at == event["at"] and action == event["action"][:32] and data["target"] == event["target"], line
            said = CHECKS[name](message, event)
            assert said in (None, index), line
        twice += index in seen
        seen.add(index)
        received += 1
    missing += [f"{name}:{index}" for index in events if index >= first and index not in seen]

print(
    json.dumps(
        {
            "sent": 5 * sum(index >= first for index in events),
            "received": received - twice,
            "twice": twice,
            "missing": missing[:20],
            "invalid": sorted(set(invalid))[:20],
            "heartbeats": beats,
            "classes": sorted(classes),
        }
    )
)
