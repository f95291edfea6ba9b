#!/usr/bin/env python3
"""A naive model of casepack: what every workspace must hold, told from the intents alone.

Rows are dictionaries, an edit is an object that names those it was made on top of, a
bundle is what its sender held when it was written. No database, no session, no git,
nothing shared with the product: the rules are those of the design, read again.

    python3 model.py --check LOG STATE      print what differs; 1 when anything does
"""
import argparse
import copy
import json
import sys

DAY_US = 86400 * 10**6
STRICTNESS = ["latest", "severest", "review"]


class Edit:
    """One edit of one document. parents: the edits that its author's row was made of, the
    one it showed first. writes: the cells it gave another value; a name that begins with ~
    is kept but is nothing that two devices could disagree about."""
    def __init__(self, name, doc, parents, writes, clock, replica):
        self.name, self.doc, self.parents, self.writes = name, doc, tuple(parents), writes
        self.clock, self.replica = clock, replica

    def later(self):
        return self.clock, self.replica, self.name


class Commit:
    """What one sitting made. Two copies of a folder that seal the same edits on top of the same
    commit, having seen the same material, make one commit: it is named by what it says."""
    def __init__(self, parent, edits, replica, applied):
        self.parent, self.edits, self.replica = parent, edits, replica
        self.clock = max((e.clock for e in edits), default=0)
        self.name = (parent.name if parent else None, tuple(e.name for e in edits), applied)

    def __eq__(self, other):
        return isinstance(other, Commit) and self.replica == other.replica and self.name == other.name

    def __hash__(self):
        return hash((self.replica, self.name))


# ---- from edits to state -------------------------------------------------------------------

class Document:
    """All edits of one document that somebody holds, and what follows from them."""
    def __init__(self, edits):
        self.edits = {e.name: e for e in edits}
        self.past = {}
        for e in self.edits.values():
            self.above(e)
        inner = set().union(*self.past.values()) if self.past else set()
        self.leaves = [n for n in self.past if n not in inner]

    def above(self, e):
        """Names of all that its author knew of this document."""
        if e.name not in self.past:
            known = set(e.parents)
            for p in e.parents:
                known |= self.above(self.edits[p])
            self.past[e.name] = known
        return self.past[e.name]

    def content(self, name):
        """column -> (value, who wrote it), as the author of that edit left it."""
        e = self.edits[name]
        cells = dict(self.content(e.parents[0])) if e.parents else {}
        cells.update({c: (v, name) for c, v in e.writes.items()})
        return cells

    def said(self, name):
        return tuple(sorted((c, repr(v)) for c, (v, _) in self.content(name).items() if c[0] != "~"))

    def heads(self, writers, value, policy):
        """Of these writes those that no other one replaced."""
        replaced = {}
        for w in sorted(writers, key=lambda n: len(self.past[n])):
            known = self.past[w] & set(writers)
            known -= set().union(*(replaced[k] for k in known)) if known else set()
            if policy != "latest" and len({value(k) for k in known}) > 1:
                known = {k for k in known if self.edits[w].parents == (k,)}
            replaced[w] = known
        return set(writers) - set().union(*replaced.values())

    def choose(self, heads, value, policy, far, severity):
        """(the one shown, the one that stands or None, the candidates)."""
        top = max(heads, key=lambda n: self.edits[n].later())
        if len({value(h) for h in heads}) == 1:
            return top, top, set()
        if policy == "severest":
            top = max(heads, key=lambda n: (severity(n), self.edits[n].later()))
        undecided = policy == "review" or (policy == "latest" and heads & far)
        return top, None if undecided else top, heads

    def as_columns(self, policy="latest", far=frozenset()):
        """A lead's document: every column by itself."""
        row, conflicts = {}, {}
        for c in {c for e in self.edits.values() for c in e.writes}:
            value = lambda n: repr(self.edits[n].writes[c])
            heads = self.heads([n for n, e in self.edits.items() if c in e.writes], value, policy)
            shown, _, open_ = self.choose(heads, value, policy, far, lambda n: 0)
            row[c] = self.edits[shown].writes[c]
            if open_:
                conflicts[c] = open_
        return row, tuple(sorted(self.leaves, key=repr)), conflicts

    def as_whole(self, policy, far, severity):
        """A judgment: one edit's content stands, whole."""
        heads = self.heads(list(self.edits), self.said, policy)
        shown, stands, open_ = self.choose(heads, self.said, policy, far, severity)
        others = tuple(sorted((n for n in self.leaves if n != shown), key=repr))
        row = {c: v for c, (v, _) in self.content(shown).items()}
        return row, (shown,) + others, (stands, open_, heads)


def field_of(forms, doc, name, column):
    """The field that an answer answers, under the form its edit names; None for no answer."""
    if "@" not in column:
        return None
    label = doc.content(name).get("form_version", ("", 0))[0]
    return forms.get(label, {}).get(column.split("@")[0])


def judge_document(edits, forms, far=frozenset()):
    """A judgment's (row, revs, (stands, candidates, heads), policy)."""
    doc = Document(edits)
    fields = {(n, c): field_of(forms, doc, n, c) for n, e in doc.edits.items() for c in e.writes}
    policy = max([STRICTNESS.index(f["policy"]) for f in fields.values() if f], default=0)

    def severity(name):
        cells = doc.content(name).items()
        return max([0] + [fields[w, c]["severity"].get(v, 0) for c, (v, w) in cells
                          if fields[w, c] and fields[w, c]["policy"] == "severest"])
    return doc.as_whole(STRICTNESS[policy], far, severity) + (STRICTNESS[policy],)


# ---- who holds what --------------------------------------------------------------------------

class Place:
    """A workspace: its edits by document, and what its person can see."""
    def __init__(self, name, person, replica):
        self.name, self.person, self.replica = name, person, replica
        self.clock, self.counter = 0, 0
        self.docs = {}              # doc -> its edits, in the order they came here
        self.outbox, self.chain = [], []
        self.material, self.applied, self.exists = {}, 0, False
        self.acked, self.told = None, None
        self.drafts = {}
        self.former, self.is_copy = [], False   # chains under ids that it had before
        self.life, self.must_renew = object(), False

    def tip(self):
        return self.chain[-1] if self.chain else None

    def sealed(self):
        return len(self.chain) + sum(map(len, self.former))

    def folder(self):
        """The same once more."""
        new = copy.copy(self)
        new.docs = {d: list(e) for d, e in self.docs.items()}
        new.outbox, new.chain, new.material = list(self.outbox), list(self.chain), dict(self.material)
        new.drafts = copy.deepcopy(self.drafts)
        return new

    def add(self, edit):
        self.docs.setdefault(edit.doc, []).append(edit)

    def tick(self, now):
        self.clock = max(now, self.clock + 1)

    def name_edit(self):
        self.counter += 1
        return self.name, self.counter

    def seal(self):
        if self.outbox or self.is_copy and not self.chain:     # a copy introduces itself
            self.chain.append(Commit(self.tip(), self.outbox, self.replica, self.applied))
            self.outbox = []


class Hub(Place):
    def __init__(self):
        super().__init__("hub", "lea", "")
        self.exists = True
        self.commits, self.lines, self.far = [], {}, set()
        self.given, self.steps, self.confirmed = {}, {}, {}
        self.known = {}             # rows already told from that many edits

    def row(self, doc):
        """(row, revs); an empty row where there is none."""
        if doc not in self.docs:
            return {}, ()
        n = len(self.docs[doc])
        if self.known.get(doc, (0,))[0] != n:
            row, revs, conflicts = Document(self.docs[doc]).as_columns()
            assert not conflicts
            self.known[doc] = n, row, revs
        return self.known[doc][1:]

    def rows(self, table):
        return {d: self.row(d)[0] for d in self.docs if d[0] == table}

    def write(self, doc, derived=False, **wanted):
        row, revs = self.row(doc)
        writes = {c: v for c, v in wanted.items() if row.get(c) != v}
        if writes or not revs:
            name = ("import", doc, revs, repr(wanted)) if derived else self.name_edit()
            self.add(Edit(name, doc, revs, writes, self.clock, self.replica))
            self.outbox.append(self.docs[doc][-1])

    def newest(self, table, text):
        numbers = [d[2] for d in self.docs if d[0] == table and d[1] == text]
        return max(numbers, default=0)

    def accept(self, commit, at_us):
        """A commit whose parent has a child already begins another line of its replica."""
        siblings = [c for c in self.commits if c.replica == commit.replica and c.parent == commit.parent]
        line = self.lines.get(commit.parent, 1)
        if siblings:
            line = len({self.lines[c] for c in self.commits if c.replica == commit.replica}) + 1
        self.lines[commit] = line
        self.commits.append(commit)
        for e in commit.edits:
            known = [k for k in self.docs.get(e.doc, []) if k.name == e.name]
            if not known or e.replica < known[0].replica:   # a copy of the folder may have sent it too: the lowest id counts
                self.docs[e.doc] = [k for k in self.docs.get(e.doc, []) if k.name != e.name] + [e]
            if commit.clock > at_us + DAY_US:
                self.far.add(e.name)

    def held_of(self, replica):
        """The tip of each of its lines, the first line first."""
        tips = {self.lines[c]: c for c in self.commits if c.replica == replica}
        return [tips[line] for line in sorted(tips)]

    def judgments(self, forms):
        return {d: judge_document(edits, forms, self.far) for d, edits in self.docs.items() if d[0] == "judgment"}

    def is_late(self, doc, shown, stands):
        """Taken back by somebody who did not know what stands, or anything it grew from."""
        state = self.row(("assignment",) + doc[1:])[0]["state"]
        known = Document(self.docs[doc]).past[shown] | {shown}
        return state != ("given",) and stands is not None and not known & set(state[1:])

    def breaking(self, row):
        """(text, number) of each breaking revision that the judgment's own does not descend from."""
        for table, column in ("form_version", "form_version"), ("guideline_revision", "guideline_revision"):
            text, named = row.get(column) or ("", 0)
            for d, r in self.rows(table).items():
                if d[1] == text and d[2] > named and r["kind"] == "breaking":
                    yield d[1], d[2]

    def lapses(self, judged):
        """What is kept, but counted apart: [judgment, class, is it open, decision, revision]."""
        for doc, (row, revs, (stands, *_), *_) in judged.items():
            if self.is_late(doc, revs[0], stands):
                yield [key_of(doc), "late", 0, "", ""]
            for revision in self.breaking(row):
                decision = self.decision(doc, revision, revs[0])
                yield [key_of(doc), "stale", int(decision == ""), decision, revision]

    def decision(self, doc, revision, shown):
        """A lead's, about the edit that stood then."""
        row = self.row(("stale",) + doc[1:] + revision)[0]
        return row["decision"] if row.get("weighed") == shown else ""


# ---- the course of events ----------------------------------------------------------------------

class World:
    def __init__(self):
        self.hub = Hub()
        self.places = {"hub": self.hub}
        self.devices, self.bundles, self.forms = {}, {}, {}
        self.tokens = {}            # (place, life of its workspace) -> how many commits the token counts
        self.backups = {}
        self.wrong = []             # what people were told otherwise than they must be
        self.hub.write(("project",), name="Simulated")
        self.hub.write(("person", "lea"), role="lead")

    def expect(self, line, what, told, wanted):
        if told != wanted:
            self.wrong.append(f"step {line['step']}, {line['op']}: {what} is {told!r}, must be {wanted!r}")

    def play(self, line):
        place = self.places.get(line.get("at"))
        if place and place.must_renew and line["op"] not in ("own id", "copy", "put back"):
            self.expect(line, "its id", "another's", "its own")
        getattr(self, "op_" + line["op"].replace(" ", "_"))(line)

    # the hub's desk

    def op_device(self, line):
        name, person = line["name"], line["person"]
        if not self.devices:
            self.hub.write(("replica", "hub"), person="lea", is_hub=1)
        self.hub.write(("person", person), role="rater")
        self.hub.write(("replica", line["identity"]), person=person, is_hub=0)
        self.devices[name] = (person, line["identity"])
        self.places[name] = Place(name, person, line["identity"])

    def op_import(self, line):
        for c in line["cases"]:
            self.hub.write(("case", c["id"]), derived=True, name=c["id"], kind="serp", locale="en-US", segment=c["segment"],
                           content=json.dumps(c, sort_keys=True, separators=(",", ":")),
                           results=[r["id"] for r in c["results"]])

    def put_text(self, text, revision, name, kind, body):
        number = self.hub.newest(revision, name)
        if number and self.hub.row((revision, name, number))[0]["body"] == body:
            return
        self.hub.write((text, name), title="A title")
        self.hub.write((revision, name, number + 1), kind=kind, body=body)

    def op_guideline(self, line):
        self.put_text("guideline", "guideline_revision", line["name"], line["kind"], line["body"])

    def op_form(self, line):
        self.put_text("form", "form_version", line["name"], line["kind"], line["body"])
        number = self.hub.newest("form_version", line["name"])
        self.forms[line["name"], number] = {
            f["name"]: dict(scope=f.get("scope", "page"), required=f.get("required", False), policy=f.get("policy", "latest"),
                            severity={c["value"]: c.get("severity", 0) for c in f.get("choices", [])})
            for f in json.loads(line["body"])["fields"]}

    def last_position(self, person):
        return max([r["position"] for d, r in self.hub.rows("assignment").items() if d[2] == person], default=0)

    def op_assign(self, line):
        for person in sorted(line["people"]):
            position = self.last_position(person)
            for case in line["cases"]:
                doc = "assignment", case, person, line["pass"]
                if self.hub.row(doc)[0].get("state") != ("given",):     # taken back, or never given
                    position += 1
                    self.hub.write(doc, position=position, form=line["form"], guideline=line["guideline"], due=line["due"],
                                   state=("given",))

    def op_recall(self, line):
        """A state names, in the same cell, the edits of the judgment that the lead knew."""
        hub, fits = self.hub, []
        for doc, row in hub.rows("assignment").items():
            late = line["how"] != "expired" or "" < row["due"] < line["before"]
            if doc[2] == line["from"] and doc[1] in line["cases"] and row["state"] == ("given",) and late:
                fits.append((row["position"], doc))
        given = hub.rows("assignment").items()
        load = {to: sum(d[2] == to and r["state"] == ("given",) for d, r in given) for to in line["to"]}
        for _, doc in sorted(fits):
            judgment = ("judgment",) + doc[1:]
            known = judge_document(hub.docs[judgment], self.forms, hub.far)[1] if judgment in hub.docs else ()
            if known and not line["judged too"]:
                continue
            heirs = [p for p in line["to"] if (doc[0], doc[1], p, doc[3]) not in hub.docs]
            if heirs:
                heir = min(heirs, key=load.get)
                load[heir] += 1
                row = hub.row(doc)[0]
                hub.write((doc[0], doc[1], heir, doc[3]), position=self.last_position(heir) + 1, form=row["form"],
                          guideline=row["guideline"], due=row["due"], state=("given",))
            hub.write(doc, state=(line["how"],) + known)

    def op_stale(self, line):
        hub, chosen = self.hub, []
        for doc, (row, revs, *_) in hub.judgments(self.forms).items():
            if doc[2] in (line["people"] or [doc[2]]) and doc[1] in (line["cases"] or [doc[1]]):
                chosen += [(revision[0], doc, revision, revs[0]) for revision in hub.breaking(row)
                           if line["settled too"] or not hub.decision(doc, revision, revs[0])]
        for _, doc, revision, shown in sorted(chosen, key=lambda c: c[:3]):
            hub.write(("stale",) + doc[1:] + revision, weighed=shown, decision=line["decision"])
            if line["decision"] == "requeue":
                self.requeue(("assignment",) + doc[1:])

    def requeue(self, doc):
        """Once more, unless a later pass is still to be judged."""
        later = [d for d in self.hub.docs if d[:3] == doc[:3] and d[3] > doc[3]]
        for d in later:
            if self.hub.row(d)[0]["state"] == ("given",) and ("judgment",) + d[1:] not in self.hub.docs:
                return
        row = self.hub.row(doc)[0]
        self.hub.write(doc[:3] + (max(d[3] for d in later + [doc]) + 1,), position=self.last_position(doc[2]) + 1,
                       form=row["form"], guideline=row["guideline"], due="", state=("given",))

    def op_seal(self, line):
        place = self.places[line["at"]]
        place.seal()
        self.count(place)

    # what a device may see, and bundles to it

    def scope(self, person):
        """Rows of cases and texts that this person's assignments name, the roster's part, its assignments."""
        hub, out = self.hub, [("project",), ("person", person), ("person", "lea")]
        out += [d for d in hub.docs if d[0] == "replica" and hub.row(d)[0]["person"] in (person, "lea")]
        for doc, row in hub.rows("assignment").items():
            if doc[2] != person:
                continue
            out += [doc, ("case", doc[1]), ("form", row["form"]),
                    ("form_version", row["form"], hub.newest("form_version", row["form"]))]
            if row["guideline"]:
                out += [("guideline", row["guideline"]), ("guideline_revision", row["guideline"],
                                                          hub.newest("guideline_revision", row["guideline"]))]
            judgment = ("judgment",) + doc[1:]
            if judgment in hub.docs:
                judged = judge_document(hub.docs[judgment], self.forms, hub.far)[0]
                out.append(("form_version",) + judged["form_version"])
                if judged.get("guideline_revision"):
                    out.append(("guideline_revision",) + judged["guideline_revision"])
        return {d: hub.row(d) for d in out}

    def op_pack(self, line):
        hub, wanted = self.hub, []
        hub.seal()
        for name, (person, replica) in self.devices.items():
            if line["person"] not in ("", person) or ("replica", replica) not in hub.docs:
                continue
            given, steps = hub.given.setdefault(name, {}), hub.steps.setdefault(name, [])
            new = {d: r for d, r in self.scope(person).items() if d not in given or given[d][1] != r[1]}
            if new:
                given.update(new)
                steps.append(new)
            wanted.append(name)
            for b in line["bundles"]:
                if b["to"] == name:
                    self.bundles[b["id"]] = dict(to=name, base=hub.confirmed.get(name, 0), steps=list(steps),
                                                 have=hub.held_of(replica))
        self.expect(line, "who gets a bundle", sorted(b["to"] for b in line["bundles"]), sorted(wanted))

    def op_open(self, line):
        place, b = self.places[line["at"]], self.bundles[line["bundle"]]
        if self.devices[b["to"]][1] != place.replica:
            return self.expect(line, "the answer", line["told"], "not mine")
        fits = b["base"] <= place.applied or b["base"] == len(b["steps"])
        self.expect(line, "the answer", line["told"], "opened" if fits else "refused")
        if not fits:
            return
        if b["base"] <= place.applied < len(b["steps"]):
            for step in b["steps"][place.applied:]:
                place.material.update(step)
            place.applied = len(b["steps"])
        place.exists = True
        place.acked = next((tip for tip in b["have"] if tip in place.chain), None)

    # a rater's day

    def assignment_of(self, place, case):
        mine = [d for d in place.material if d[0] == "assignment" and d[1] == case and d[2] == place.person]
        return max(mine, key=lambda d: d[3], default=None)

    def newest_seen(self, place, table, text):
        return max((d for d in place.material if d[0] == table and d[1] == text), key=lambda d: d[2], default=None)

    def op_rate(self, line):
        place = self.places[line["at"]]
        kept = copy.deepcopy(place.drafts), {d: list(e) for d, e in place.docs.items()}, place.clock, place.counter
        if len(line["wishes"]) > 1 or line["wishes"][0]["told"] != "not mine":
            place.tick(line["clock"])
        pending = {}
        for wish in line["wishes"]:
            told = self.rate_one(place, wish, pending)
            self.expect(line, "the answer to " + wish["case"], wish["told"], told)
            if told == "refused":
                place.drafts, place.docs, place.clock, place.counter = kept
                return
        place.outbox += pending.values()

    def rate_one(self, place, wish, pending):
        given = self.assignment_of(place, wish["case"])
        if given is None:
            return "not mine"
        doc = ("judgment",) + given[1:]
        now = judge_document(place.docs[doc], self.forms)[:2] if doc in place.docs else ({}, ())
        seen, revs = place.material[given]
        case = place.material["case", given[1]][0]
        form = self.newest_seen(place, "form_version", seen["form"])
        guideline = self.newest_seen(place, "guideline_revision", seen["guideline"])
        draft = place.drafts.get(doc) or dict(note=now[0].get("note", ""), answers={}, ms=0)
        if seen["state"] != ("given",) or wish["how"] == "skip" and not wish["note"] and not draft["note"]:
            return "refused"
        draft["note"] = draft["note"] if wish["note"] is None else wish["note"]
        draft["ms"] += wish["ms"]
        draft["answers"] = {k: v for k, v in draft["answers"].items() if k.endswith("@") or k.split("@")[1] in case["results"]}
        for field, result, value in wish["answers"]:
            fits = self.forms[form[1:]][field]["scope"] == ("result" if result else "page")
            if not fits or result and result not in case["results"]:
                return f"never asked for {field} of {result}"
            draft["answers"][field + "@" + result] = value or None
        place.drafts[doc] = draft
        state = {"skip": "skipped", "escalate": "escalated"}.get(wish["how"])
        if wish["how"] == "submit" and not self.is_open(draft, now[0], self.forms[form[1:]], case):
            state = "submitted"
        if state is None:
            return "draft"
        wanted = dict(assignment_rev=revs, content=case["content"], form_version=form[1:],
                      guideline_revision=guideline[1:] if guideline else "", state=state, note=draft["note"])
        self.submit(place, doc, now, wanted, draft, pending)
        del place.drafts[doc]
        return state

    def is_open(self, draft, row, form, case):
        """Is a required answer still missing?"""
        for name, field in form.items():
            for result in case["results"] if field["scope"] == "result" else [""]:
                key = name + "@" + result
                if field["required"] and draft["answers"].get(key, row.get(key) if key not in draft["answers"] else None) is None:
                    return True
        return False

    def submit(self, place, doc, now, wanted, draft, pending):
        row, revs = now
        news = {k: v for k, v in draft["answers"].items() if row.get(k) != v}
        if row and not news and row.get("state") == wanted["state"] and row.get("note", "") == wanted["note"]:
            return
        wanted.update(news)
        wanted["~ms"] = draft["ms"] + row.get("~ms", 0)
        if doc in pending:      # a second time in one transaction: one edit, with what differs in the end
            wanted = {**row, **wanted}
            place.docs[doc].remove(pending[doc])
            before = judge_document(place.docs[doc], self.forms)[:2] if place.docs[doc] else ({}, ())
            row, revs = before
        default = {"note": "", "guideline_revision": "", "~ms": 0}
        writes = {c: v for c, v in wanted.items() if row.get(c, default.get(c)) != v}
        edit = Edit(pending[doc].name if doc in pending else place.name_edit(), doc, revs, writes, place.clock, place.replica)
        place.add(edit)
        pending[doc] = edit

    # sending, copying, mending

    def op_return(self, line):
        place = self.places[line["at"]]
        place.seal()
        self.count(place)
        owes = line["full"] or place.tip() != place.acked or place.applied != (place.told or 0)
        self.expect(line, "a bundle written", line["bundle"] is not None, owes)
        if line["bundle"] is not None:
            self.bundles[line["bundle"]] = dict(device=self.device_of(place), chain=sum(place.former, []) + place.chain, applied=place.applied)
            place.told = place.applied

    def device_of(self, place):
        return next(n for n, (_, replica) in self.devices.items() if replica == place.replica)

    def op_merge(self, line):
        b = self.bundles[line["bundle"]]
        self.hub.seal()
        for commit in b["chain"]:
            self.enter(commit.replica)
            if commit not in self.hub.lines:
                self.hub.accept(commit, line["clock"] // 10**6 * 10**6)
        self.hub.confirmed[b["device"]] = b["applied"]

    def op_copy(self, line):
        new = self.places[line["name"]] = self.places[line["at"]].folder()
        new.name, new.counter, new.must_renew = line["name"], 0, line["tokens"]

    def op_backup(self, line):
        place = self.places[line["at"]]
        self.count(place)
        self.backups[line["at"]] = place.folder(), self.tokens[place.name, place.life]

    def op_put_back(self, line):
        """It must notice, by its token, that something was sealed which it does not hold."""
        lost, (kept, steps) = self.places[line["at"]], self.backups[line["at"]]
        place = self.places[line["at"]] = kept.folder()
        place.counter = lost.counter
        if line["with configuration"]:
            self.tokens[place.name, place.life] = steps
        place.must_renew = self.tokens.get((place.name, place.life), place.sealed() + 1) > place.sealed()

    def op_own_id(self, line):
        """A device of its own: what was sealed under the old id goes along, what was not is sealed as its own."""
        place = self.places[line["at"]]
        self.expect(line, "an own id", True, place.must_renew)
        self.devices[line["name"]] = place.person, line["identity"]
        place.former, place.chain = place.former + [place.chain], []
        for i, e in enumerate(place.outbox):
            mine = copy.copy(e)
            mine.replica = line["identity"]
            place.docs[e.doc][place.docs[e.doc].index(e)] = place.outbox[i] = mine
        place.replica, place.is_copy, place.must_renew, place.life = line["identity"], True, False, object()
        place.applied, place.told = 0, 0
        place.tick(line["clock"])
        self.count(place)

    def count(self, place):
        """Its token, which may be behind, is brought up."""
        key = place.name, place.life
        self.tokens[key] = max(self.tokens.get(key, 0), place.sealed())

    def op_moved(self, line):
        self.expect(line, "the id of a moved workspace", line["told"], self.places[line["at"]].replica)

    def op_new_home(self, line):
        """All that the configuration knew of former lives is gone."""
        place = self.places[line["at"]]
        self.expect(line, "the id under a new home", line["told"], place.replica)
        self.tokens = {k: n for k, n in self.tokens.items() if k[0] != place.name}
        self.count(place)

    def enter(self, replica):
        """A copy is a device of its person, by its first commit."""
        person = next((p for p, r in self.devices.values() if r == replica), None)
        if ("replica", replica) not in self.hub.docs:
            self.hub.write(("replica", replica), derived=True, person=person, is_hub=0)

    def op_rebuild(self, line):
        """Receipts are not history: both sides then owe more than they must."""
        place = self.places[line["at"]]
        place.acked, place.told = None, None
        if place is self.hub:
            self.hub.confirmed = {}


# ---- comparing -----------------------------------------------------------------------------------

class Names:
    """What the keys in a dump stand for, in the words of the intents."""
    def __init__(self, contents, tables):
        self.of = dict(contents)
        for table in "guidelines", "forms":
            self.of.update({r[4]: (r[0], r[1]) for r in tables[table]})

    def __call__(self, key):
        return self.of.get(key, key)


def wrote(cells):
    return {c: v for c, v in cells.items() if c[0] != "~" and c != "assignment_rev"}


def content_of(edits, name):
    """The cells of a judgment as the author of that edit left it."""
    e = edits[name]
    return {**(content_of(edits, e.parents[0]) if e.parents else {}), **e.writes}


def key_of(doc):
    return "|".join(map(str, doc[1:]))


def held_judgments(tables, names):
    """Judgments and conflicts of a dump, as the model says them."""
    out, conflicts = {}, {}
    for key, state, note, content, form, guideline, ms, is_current in tables["judgments"]:
        out[key] = {"state": state, "note": note, "content": names(content), "form_version": names(form),
                    "guideline_revision": names(guideline), "~ms": ms, "names its assignment": is_current}
    for key, cell, value in tables["answers"]:
        out[key][cell] = value
    for key, col, kind, policy, replica, clock, stands, value in tables["conflicts"]:
        cells = {c: names(v) for c, v in json.loads(value).items()}
        conflicts.setdefault(key + col + " " + kind + " " + policy, []).append((replica, clock, bool(stands), wrote(cells)))
    return out, {k: sorted(v, key=repr) for k, v in conflicts.items()}


def told_judgments(judged, revs_of):
    out, conflicts = {}, {}
    for doc, (row, _, (stands, open_, _), policy, edits) in judged.items():
        out[key_of(doc)] = {"note": "", "guideline_revision": "", "~ms": 0, "names its assignment": int(row["assignment_rev"] == revs_of(("assignment",) + doc[1:])),
                            **{c: v for c, v in row.items() if v is not None and c != "assignment_rev"}}
        if open_:
            conflicts[key_of(doc) + " fork " + policy] = sorted(
                [(edits[n].replica, edits[n].clock, n == stands, wrote(content_of(edits, n))) for n in open_], key=repr)
    return out, conflicts


def told_labels(judged, lapses):
    """One row an answer, as an export has them."""
    late = {l[0] for l in lapses if l[1] == "late"}
    stale = {l[0]: l[3] or "open" for l in sorted(lapses, key=lambda l: (l[3] == "", l[3])) if l[1] == "stale"}
    for doc, (row, _, (_, open_, _), *_) in judged.items():
        answers = sorted((k, v) for k, v in row.items() if "@" in k and v is not None)
        for k, v in answers or [("@", "")]:
            yield [*doc[1:], *k.split("@"), v, row["state"], bool(open_), key_of(doc) in late,
                   stale.get(key_of(doc), "")]


class Comparison:
    def __init__(self):
        self.found = []

    def same(self, what, held, told):
        if held == told:
            return
        if isinstance(held, dict) and isinstance(told, dict):
            for k in sorted(held.keys() | told.keys(), key=repr):
                self.same(f"{what}, {k}", held.get(k), told.get(k))
        else:
            self.found.append(f"model: {what}: holds {held!r}, must hold {told!r}")


def texts_of(rows, doc_rows, table):
    for doc, (row, _) in doc_rows.items():
        if doc[0] == table:
            yield f"{doc[1]} {doc[2]}", (row["kind"], body_of(table, row["body"]))


def body_of(table, body):
    """A form is stored in its canonical spelling; its fields are what the lead wrote."""
    return [f["name"] for f in json.loads(body)["fields"]] if table == "form_version" else body


def compare_material(c, where, tables, names, rows):
    """rows: doc -> (row, revs), all that must be here."""
    c.same(where + ": cases", {r[0]: [r[1], r[2], r[3], names(r[4]), r[5], json.loads(r[6])] for r in tables["cases"]},
           {d[1]: [r["kind"], r["locale"], r["segment"], r["content"], "active", r["results"]]
            for d, (r, _) in rows.items() if d[0] == "case"})
    c.same(where + ": people", {r[0]: r[1:] for r in tables["people"]},
           {d[1]: [r["role"], "", "", "active"] for d, (r, _) in rows.items() if d[0] == "person"})
    c.same(where + ": devices", sorted(r[1] for r in tables["devices"]),
           sorted(r["person"] for d, (r, _) in rows.items() if d[0] == "replica"))
    for table, revision in ("guidelines", "guideline_revision"), ("forms", "form_version"):
        c.same(f"{where}: {table}", {f"{r[0]} {r[1]}": (r[2], body_of(revision, r[3])) for r in tables[table]},
               dict(texts_of(rows, rows, revision)))
    c.same(where + ": assignments", {r[0]: r[1:] for r in tables["assignments"]},
           {key_of(d): [r["position"], r["due"], r["form"], r["guideline"], r["state"][0]] for d, (r, _) in rows.items()
            if d[0] == "assignment"})


def compare_place(c, world, place, held, contents):
    tables = held["tables"]
    far = place.far if place is world.hub else frozenset()
    names = Names(contents, tables)
    judged = {d: judge_document(e, world.forms, far) + ({x.name: x for x in e},)
              for d, e in place.docs.items() if d[0] == "judgment"}
    (have, have_open), (must, must_open) = held_judgments(tables, names), told_judgments(
        judged, lambda d: place.row(d)[1] if place is world.hub else place.material[d][1])
    c.same(place.name + ": judgments", have, must)
    c.same(place.name + ": conflicts", have_open, must_open)
    c.same(place.name + ": conflicts of material", tables["other conflicts"], [])
    c.same(place.name + ": left behind", tables["left behind"], [[0, 0]])
    rows = place.material if place is not world.hub else {d: place.row(d) for d in place.docs if d[0] != "judgment"}
    compare_material(c, place.name, tables, names, rows)
    c.same(place.name + ": what cases show", held["shown"],
           {d[1]: json.loads(r["content"]) for d, (r, _) in rows.items() if d[0] == "case"})
    lapses = sorted(place.lapses(judged), key=repr) if place is world.hub else []
    c.same(place.name + ": lapses", sorted(([*r[:4], names(r[4])] for r in tables["lapses"]), key=repr), lapses)
    c.same(place.name + ": labels", sorted(held["labels"]), sorted(told_labels(judged, lapses)))
    c.same(place.name + ": drafts", {r[0]: r[1:] for r in tables["drafts"]},
           {key_of(d): [v["note"], v["ms"]] for d, v in place.drafts.items()})
    c.same(place.name + ": answers in drafts", {(r[0], r[1]): r[2] for r in tables["draft answers"]},
           {(key_of(d), k): a for d, v in place.drafts.items() for k, a in v["answers"].items()})
    return judged


def compare_hub(c, world, held):
    """The balance, and that every judgment ever exported is told in the life of its case."""
    judged = compare_place(c, world, world.hub, held, world.contents)
    exported, counted = [], {}
    sent = [(c.replica, e) for c in world.hub.commits for e in c.edits]
    fates = ["exported", "standing", "equal", "superseded", "in conflict"]
    count = {c.replica: dict.fromkeys(fates, 0) for c in world.hub.commits}
    for n, (replica, e) in enumerate(sent):     # of equal edits that of the lowest id is counted
        counted[e.name] = min(counted.get(e.name, (replica, n)), (replica, n))
    for n, (replica, e) in enumerate(sent):
        stands, open_, heads = judged[e.doc][2]
        fate = ("equal" if counted[e.name] != (replica, n) else "standing" if e.name in ({stands} if open_ else heads)
                else "in conflict" if e.name in open_ else "superseded")
        mine = count[replica]
        mine["exported"] += 1
        mine[fate] += 1
        exported.append([e.doc[1], e.doc[2], replica, e.clock])
    own = sum(len(e) for d, e in world.hub.docs.items() if d[0] != "judgment")
    identities = {replica for _, replica in world.devices.values()}
    rated = {}
    for replica, exports, standing, equal, superseded, overruled, in_conflict, quarantined, waiting in held["balance"]:
        if exports != standing + equal + superseded + overruled + in_conflict + quarantined + waiting:
            c.found.append(f"balance: {replica} exported {exports}, but the parts make another sum")
        if replica not in identities:
            c.same("balance of the hub", exports, own)
            continue
        c.same("balance of " + replica, [overruled, quarantined, waiting], [0, 0, 0])
        rated[replica] = dict(zip(fates, [exports, standing, equal, superseded, in_conflict]))
    c.same("balance", rated, count)
    c.same("judgments found", sorted(s[:4] for s in held["stories"] if s[2] in identities), sorted(exported))


def check(log, state):
    """What is wrong, one line each; nothing when all is as it must be."""
    world, c = World(), Comparison()
    c.found += state["found"]           # what the simulator saw on the way
    world.contents = state["contents"]
    for line in log:
        world.play(line)
    c.found += [f"told: {w}" for w in world.wrong]
    for name, held in state["places"].items():
        if held["hash"] != held["replayed"]:
            c.found.append(f"replay: {name}: holds {held['hash']:.12}, its history tells {held['replayed']:.60}")
        if name != "hub":
            compare_place(c, world, world.places[name], held, world.contents)
    compare_hub(c, world, state["places"]["hub"])
    if state["mirror"] != state["places"]["hub"]["hash"]:
        c.found.append("hash: another hub that merged the same bundles in another order holds another state")
    for name, (person, _) in world.devices.items():     # all was delivered: each device holds what the hub gives
        lines = [p for p in world.places.values() if p.replica == world.devices[name][1]]
        if len(lines) == 1 and lines[0].applied != len(world.hub.steps.get(name, [])):
            c.found.append(f"delivery: {name} holds {lines[0].applied} of {len(world.hub.steps[name])} outbound commits")
    c.same("workspaces", sorted(state["places"]), sorted(p.name for p in world.places.values() if p.exists))
    return c.found


def check_files(log, state):
    with open(log) as l, open(state) as s:
        return check([json.loads(line) for line in l], json.load(s))


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--check", nargs=2, metavar=("LOG", "STATE"), required=True)
    found = check_files(*p.parse_args().check)
    print("\n".join(found) or "as it must be")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
