"""The course of events, in the naive model: what each intent of the log leads to."""
import copy
import json

from model_decide import Decisions
from model_hub import Hub, Place
from model_rules import Document, Edit, content_of, number_of, what_it_says
from model_trust import Trust


class World(Decisions, Trust):
    def __init__(self):
        self.hub = None             # the one that acts
        self.places, self.hubs = {}, []
        self.remote = [], {}        # where hubs meet: commits, verdicts
        self.devices, self.bundles, self.forms = {}, {}, {}
        self.labels, self.parents = {}, {}  # revisions: of text, body and parents; what each was written on
        self.tokens = {}            # (place, life of its workspace) -> how many commits the token counts
        self.backups, self.copies = {}, {}      # copies: devices that a copied workspace became -> person
        self.successors, self.twins = {}, {}    # devices that go on with another key; change commits that words do not tell apart
        self.wrong = []             # what people were told otherwise than they must be

    def written(self):
        """Who wrote each edit of a judgment that some hub holds, and when."""
        out = {}
        for hub in self.hubs:
            for d, edits in hub.docs.items():
                if d[0] == "judgment":
                    out.update({e.name: (e.replica, e.clock) for e in Document(edits).edits.values()})
        return out

    def expect(self, line, what, told, wanted):
        if told != wanted:
            self.wrong.append(f"step {line['step']}, {line['op']}: {what} is {told!r}, must be {wanted!r}")

    def play(self, line):
        at = self.places.get(line.get("at"))
        self.hub = at if isinstance(at, Hub) else self.hub
        if at and at.must_renew and line["op"] not in ("own id", "copy", "put back"):
            self.expect(line, "its id", "another's", "its own")
        getattr(self, "op_" + line["op"].replace(" ", "_"))(line)

    def check(self, state):
        """What is wrong beside what every world must hold."""
        return []

    # the hub's desk

    def op_found(self, line):
        """The first founds the project; a further one is made of a bundle of the one that acts."""
        new = Hub(self, line["name"], line["person"], line["identity"])
        hub = self.hub or new
        hub.begin(line["clock"])
        if hub is new:
            hub.write(("project",), name="Simulated")
        hub.write(("person", line["person"]), pseudonym=line["person"], role="lead")
        hub.write(("replica", line["identity"]), person=line["person"], public_key=line["identity"], is_hub=1)
        self.places[new.name] = new
        self.hubs.append(new)
        if hub is not new:
            hub.seal()
            new.take_bundle(hub.bundle(new), line["clock"])

    def op_device(self, line):
        hub, name, person, home = self.hub, line["name"], line["person"], line["home"]
        hub.begin(line["clock"])
        hub.write(("person", person), pseudonym=person)
        hub.write(("replica", line["identity"]), person=person, public_key=line["identity"])
        for doc, row in hub.rows("replica").items():
            if row["person"] == person and home:
                hub.write(doc, home=home)
        self.devices[name] = (person, line["identity"])
        self.places[name] = Place(name, person, line["identity"])

    def home_of(self, device):
        """The hub that gives to it."""
        row = next((h.row(("replica", self.devices[device][1]))[0] for h in self.hubs
                    if ("replica", self.devices[device][1]) in h.docs), {})
        return next((h for h in self.hubs if h.person == row.get("home")), self.hubs[0])

    def op_import(self, line):
        self.hub.begin(line["clock"])
        for c in line["cases"]:
            content = json.dumps(c, sort_keys=True, separators=(",", ":"))
            self.hub.contents.add(content)
            self.hub.write(("case", c["id"]), derived=True, name=c["id"], content=content)

    def put_text(self, line, text, table, body):
        hub, name = self.hub, line["name"]
        heads, now = hub.heads(table, name), hub.newest(table, name)
        if len(heads) == 1 and hub.row(now)[0]["body"] == body:
            return "same"
        label = self.label(table, name, body, heads)
        hub.begin(line["clock"])
        hub.write((text, name), name=name, title="A title")
        hub.write((table, name, label), parent_doc=name, parents=tuple(sorted(heads)), number=1 + (
            hub.row(now)[0]["number"] if now else 0), kind=line["kind"], person=hub.person, body=body)
        return "written"

    def label(self, table, name, body, parents):
        """A name for the revision of that text: two leads who write the same one on the same ones write one."""
        key = table, name, what_it_says(table, body), frozenset(parents)
        if key not in self.labels:
            self.labels[key] = f"r{len(self.labels)}"
            self.parents[table, name, self.labels[key]] = frozenset(parents)
        return self.labels[key]

    def op_guideline(self, line):
        self.expect_text(line, self.guideline(line))

    def expect_text(self, line, came):
        """done: now, or before the power failed."""
        self.expect(line, "what came of it", line["told"], "done" if line["told"] == "done" and came in ("written", "same") else came)

    def guideline(self, line):
        hub, body = self.hub, line["body"]
        heads = hub.heads("guideline_revision", line["name"])
        if line["merge"] and len(heads) == 1 or not line["merge"] and len(heads) > 1 and hub.seen.get(line["name"]) != heads:
            return "refused"
        if body is None:
            may_be = hub.merges(heads)
            if None in may_be and (line["told"] == "refused" or may_be == {None}):
                return "refused"
            body = line["made"]
            self.expect(line, "the merge", body in may_be, True)
        return self.put_text(line, "guideline", "guideline_revision", body)

    def op_look(self, line):
        heads = self.hub.heads("guideline_revision", line["name"])
        if len(heads) > 1:
            self.hub.seen[line["name"]] = heads

    def op_form(self, line):
        self.expect_text(line, self.put_text(line, "form", "form_version", line["body"]))
        self.forms[self.hub.newest("form_version", line["name"])[1:]] = {
            f["name"]: dict(scope=f.get("scope", "page"), required=f.get("required", False), policy=f.get("policy", "latest"),
                            values={"bool": ["true", "false"], "text": None}.get(f["type"], [c["value"] for c in f.get("choices", [])]),
                            severity={"true": 1} if f["type"] == "bool" else {c["value"]: c.get("severity", 0) for c in f.get("choices", [])})
            for f in json.loads(line["body"])["fields"]}

    def last_position(self, person):
        return max([r["position"] for d, r in self.hub.rows("assignment").items() if d[2] == person], default=0)

    def op_assign(self, line):
        self.hub.begin(line["clock"])
        for person in sorted(line["people"]):
            position = self.last_position(person)
            for case in line["cases"]:
                doc = "assignment", case, person, line["pass"]
                if self.hub.row(doc)[0].get("state") != ("given",):     # taken back, or never given
                    position += 1
                    self.give(doc, position=position, form=line["form"], guideline=line["guideline"], due=line["due"])

    def give(self, doc, **how):
        self.hub.write(doc, case_id=doc[1], person=doc[2], **{"pass": doc[3]}, state=("given",), **how)

    def op_recall(self, line):
        """A state names, in the same cell, the edits of the judgment that the lead knew."""
        hub, fits = self.hub, []
        for doc, row in hub.rows("assignment").items():
            late = line["how"] != "expired" or "" < row["due"] < line["before"]
            if doc[2] == line["from"] and doc[1] in line["cases"] and row["state"] == ("given",) and late:
                if line["pass"] in (0, doc[3]):
                    fits.append((row["position"], doc))
        given = hub.rows("assignment").items()
        load = {to: sum(d[2] == to and r["state"] == ("given",) for d, r in given) for to in line["to"]}
        knew = {doc: hub.judge(("judgment", *doc[1:]), self.forms).revs
                for _, doc in fits if ("judgment", *doc[1:]) in hub.docs}
        fits = [f for f in fits if line["judged too"] or f[1] not in knew]
        if fits:
            hub.begin(line["clock"])
        for _, doc in sorted(fits):
            known = knew.get(doc, ())
            heirs = [p for p in line["to"] if (doc[0], doc[1], p, doc[3]) not in hub.docs]
            if heirs:
                heir = min(heirs, key=load.get)
                load[heir] += 1
                row = hub.row(doc)[0]
                self.give((doc[0], doc[1], heir, doc[3]), position=self.last_position(heir) + 1, form=row["form"],
                          guideline=row["guideline"], due=row["due"])
            hub.write(doc, state=(line["how"],) + known)

    def op_stale(self, line):
        hub, chosen = self.hub, []
        for doc, (row, revs, *_) in hub.judgments(self.forms).items():
            if doc[2] in (line["people"] or [doc[2]]) and doc[1] in (line["cases"] or [doc[1]]):
                chosen += [(revision[0], doc, revision, revs[0]) for revision in hub.breaking(row)
                           if line["settled too"] or not hub.decision(doc, revision, revs[0])]
        if chosen:
            hub.begin(line["clock"])
        for _, doc, revision, shown in sorted(chosen, key=lambda c: c[:3]):
            key = ("stale",) + doc[1:] + revision
            hub.write(key, forced=len(hub.row(key)[1]) > 1, judgment=doc[1:], cause=revision, weighed=shown, decision=line["decision"],
                      **{"~reason": "because", "~person": hub.person})
            if line["decision"] == "requeue":
                self.requeue(("assignment",) + doc[1:])

    def requeue(self, doc):
        """Once more, unless a later pass is still to be judged."""
        later = [d for d in self.hub.docs if d[:3] == doc[:3] and d[3] > doc[3]]
        for d in later:
            if self.hub.row(d)[0]["state"] == ("given",) and ("judgment",) + d[1:] not in self.hub.docs:
                return
        row = self.hub.row(doc)[0]
        self.give(doc[:3] + (max(d[3] for d in later + [doc]) + 1,), position=self.last_position(doc[2]) + 1,
                  form=row["form"], guideline=row["guideline"], due="")

    def op_seal(self, line):
        place = self.places[line["at"]]
        place.seal(line["clock"])
        self.count(place)

    # what a device may see, and bundles to it

    def scope(self, person, giver=None):
        """Rows of cases and texts that this person's assignments name, the roster's part, its assignments."""
        hub, out = giver or self.hub, [("project",), ("person", person)]
        leads = [d[1] for d, row in hub.rows("person").items() if row["role"] == "lead"]
        out += [("person", lead) for lead in leads]
        out += [d for d, row in hub.rows("replica").items() if row["person"] in [person] + leads]
        out += [d for d in hub.rows("settlement") if d[2] == person]
        ours = {d[1] for d in out if d[0] == "replica" and hub.row(d)[0]["person"] == person}
        out += [d for d in hub.rows("ruling") if "@" in d[1] and d[1].split("@")[0] in ours]
        for doc, row in hub.rows("assignment").items():
            if doc[2] != person:
                continue
            out += [doc, ("case", doc[1]), ("form", row["form"]), hub.newest("form_version", row["form"])]
            if row["guideline"]:
                out += [("guideline", row["guideline"]), hub.newest("guideline_revision", row["guideline"])]
            judgment = ("judgment",) + doc[1:]
            if judgment in hub.docs:
                judged = hub.judge(judgment, self.forms).row
                out.append(("form_version",) + judged["form_version"])
                if judged.get("guideline_revision"):
                    out.append(("guideline_revision",) + judged["guideline_revision"])
        return {d: hub.row(d) for d in out}

    def can_show(self, doc):
        """A case that another hub imported may be known before what it shows has come: it is given with that."""
        return doc[0] not in ("case", "assignment") or self.hub.row(("case", doc[1]))[0]["content"] in self.hub.contents

    def op_pack(self, line):
        hub, wanted = self.hub, []
        hub.seal()
        for name, (person, replica) in self.devices.items():
            row = hub.row(("replica", replica))[0]
            if line["person"] not in ("", person) or not row or row["home"] not in ("", hub.person) or row["state"] != "active":
                continue
            given, steps = hub.given.setdefault(name, {}), hub.steps.setdefault(name, [])
            new = {d: r for d, r in self.scope(person).items() if (d not in given or given[d][1] != r[1]) and self.can_show(d)}
            if new:
                given.update(new)
                steps.append(new)
            wanted.append(name)
            for b in line["bundles"]:
                if b["to"] == name:
                    self.bundles[b["id"]] = dict(to=name, base=hub.confirmed.get(name, 0), steps=list(steps),
                                                 have=hub.held_of(replica))
        for other in self.hubs:
            if other is not hub and ("replica", other.replica) in hub.docs and line["person"] in ("", other.person):
                bundle = hub.bundle(other)
                wanted.append(other.name)
                self.bundles.update({b["id"]: bundle for b in line["bundles"] if b["to"] == other.name})
        self.expect(line, "who gets a bundle", sorted(b["to"] for b in line["bundles"]), sorted(wanted))
        self.expect(line, "the answer", line["told"], "packed" if wanted or not line["person"] else "refused")

    def op_open(self, line):
        place, b = self.places[line["at"]], self.bundles[line["bundle"]]
        if self.devices[b["to"]][1] != place.replica:
            return self.expect(line, "the answer", line["told"], "not mine")
        fits = b["base"] <= place.applied
        self.expect(line, "the answer", line["told"], "opened" if fits else "refused")
        if not fits:
            return
        if place.applied < len(b["steps"]):
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
        return max((d for d in place.material if d[0] == table and d[1] == text),
                   key=lambda d: number_of(place.material[d][0]), default=None)

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
        now = self.shown(place, doc, pending)
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

    def shown(self, place, doc, pending):
        """(row, revs) that somebody sees; of what the open transaction wrote just that."""
        if doc in pending:
            return content_of({e.name: e for e in place.docs[doc]}, pending[doc].name), (pending[doc].name,)
        return place.judge(doc, self.forms)[:2] if place.docs.get(doc) else ({}, ())

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
            row, revs = self.shown(place, doc, {})
        default = {"note": "", "guideline_revision": "", "~ms": 0}
        writes = {c: v for c, v in wanted.items() if row.get(c, default.get(c)) != v}
        edit = Edit(pending[doc].name if doc in pending else place.name_edit(), doc, revs, writes, place.clock, place.replica)
        place.add(edit)
        pending[doc] = edit

    # sending, copying, mending

    def op_return(self, line):
        place = self.places[line["at"]]
        place.seal(line["clock"])
        self.count(place)
        owes = line["full"] or place.tip() != place.acked or place.applied != (place.told or 0)
        self.expect(line, "a bundle written", line["bundle"] is not None, owes)
        if line["bundle"] is not None:
            whole = sum(place.former, []) + place.chain
            held = whole.index(place.acked) + 1 if place.acked in whole and not line["full"] else 0
            before = [] if held else self.lines_before(place)
            self.bundles[line["bundle"]] = dict(device=self.device_of(place), chain=before + whole[held:], applied=place.applied)
            place.told = place.applied

    def device_of(self, place):
        return next(n for n, (_, replica) in self.devices.items() if replica == place.replica)

    def op_merge(self, line):
        b, hub = self.bundles[line["bundle"]], self.hub
        hub.seal()
        sender = self.devices[b["device"]][1] if "device" in b else b["giver"].replica
        if "chain" in b:
            self.enter(hub, line, b["chain"])
            self.meet(hub, line, sender, b["chain"])
        knows = hub.knows(sender) or sender in hub.strangers
        self.expect(line, "the answer", line["told"], "merged" if knows else "refused")
        if knows and "giver" in b:
            hub.take_bundle(b, line["clock"])
        elif knows:
            for commit in b["chain"]:
                if commit not in hub.lines and commit not in hub.refused:
                    hub.decide(commit, line["clock"] // 10**6 * 10**6)
            hub.retry(line["clock"])
            if self.home_of(b["device"]) is hub:
                hub.confirmed[b["device"]] = b["applied"]

    def op_sync(self, line):
        hub, (commits, verdicts) = self.hub, self.remote
        hub.seal()
        taken = hub.unite(commits, verdicts) + hub.retry(line["clock"])
        self.expect(line, "change commits taken in", line["told"], taken)
        self.remote = list(hub.commits), {c: dict(v) for c, v in hub.verdicts.items()}

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
        self.copies[line["identity"]] = place.person
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

    def enter(self, hub, line, chain):
        """A copy is a device of its person, by its first commit."""
        for replica in dict.fromkeys(c.replica for c in chain):
            if replica in self.copies and ("replica", replica) not in hub.docs:
                hub.begin(line["clock"])
                hub.write(("replica", replica), derived=True, person=self.copies[replica])
        hub.seal()

    def op_rebuild(self, line):
        """Receipts are not history: both sides then owe more than they must."""
        place = self.places[line["at"]]
        place.acked, place.told = None, None
        if isinstance(place, Hub):
            place.confirmed, place.waiting, place.seen, place.contents_at, place.theirs = {}, [], {}, None, {}
