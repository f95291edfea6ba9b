#!/usr/bin/env python3
"""A naive model of casepack: what every workspace must hold, told from the intents alone.

Rows are dictionaries, an edit is an object that names those it was made on top of, a
bundle is what its sender held when it was written. No database, no session, no git,
nothing shared with the product: the rules are those of the design, read again.

    python3 model.py --check LOG STATE      print what differs; 1 when anything does
"""
import argparse
import collections
import copy
import json
import sys

from model_decide import Decisions, compare_decisions, finals_of, leave_open, policy_in_force, policy_of_column

DAY_US = 86400 * 10**6
STRICTNESS = ["latest", "severest", "review"]


class Edit:
    """One edit of one document. parents: the edits that its author's row was made of, the
    one it showed first. writes: the cells it gave another value; a name that begins with ~
    is kept but is nothing that two devices could disagree about. resolve: a lead's, of what leads own."""
    def __init__(self, name, doc, parents, writes, clock, replica, resolve=False):
        self.name, self.doc, self.parents, self.writes = name, doc, tuple(parents), writes
        self.clock, self.replica, self.resolve = clock, replica, resolve

    def later(self):
        return self.clock, self.replica, self.name


class Commit:
    """What one sitting made. Two copies of a folder that seal the same edits on top of the same
    commit, having seen the same material, make one commit: it is named by what it says."""
    def __init__(self, parent, edits, replica, applied, clock=0):
        self.parent, self.edits, self.replica = parent, edits, replica
        self.clock = max((e.clock for e in edits), default=clock)
        self.name = (parent.name if parent else None, tuple(e.name for e in edits), applied)
        self.hash = hash((replica, self.name))

    def __eq__(self, other):
        return self is other or isinstance(other, Commit) and self.replica == other.replica and self.name == other.name

    def __hash__(self):
        return self.hash


# ---- from edits to state -------------------------------------------------------------------

class Document:
    """All edits of one document that somebody holds, and what follows from them."""
    def __init__(self, edits):
        self.edits, self.has_copies = {}, False
        for e in edits:
            self.fold(e)
        self.past = {}
        for e in self.edits.values():
            self.above(e)
        inner = set().union(*self.past.values()) if self.past else set()
        self.leaves = [n for n in self.past if n not in inner]

    def fold(self, e):
        """Of equal edits that two hubs made, as of one file that both imported, the lowest replica counts, and the lowest clock."""
        twin = self.edits.get(e.name, e)
        self.has_copies |= twin is not e
        if twin is not e and (twin.replica, twin.clock) != (e.replica, e.clock):
            e = Edit(e.name, e.doc, e.parents, e.writes, min(e.clock, twin.clock), min(e.replica, twin.replica), e.resolve)
        self.edits[e.name] = e

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

    def contest(self, writers, value, policy):
        """(of these writes those that no other one replaced, those that a resolve between several overruled)."""
        replaced, overruled = {}, set()
        for w in sorted(writers, key=lambda n: len(self.past[n])):
            known = self.past[w] & set(writers)
            known -= set().union(*(replaced[k] for k in known)) if known else set()
            is_several = len({value(k) for k in known}) > 1
            if is_several and self.edits[w].resolve:
                overruled |= {k for k in known if value(k) != value(w)}
            elif is_several and policy != "latest":
                known = {k for k in known if self.edits[w].parents == (k,)}
            replaced[w] = known
        return set(writers) - set().union(*replaced.values()), overruled

    def heads(self, writers, value, policy):
        return self.contest(writers, value, policy)[0]

    def choose(self, heads, value, policy, far, severity):
        """(the one shown, the one that stands or None, the candidates)."""
        top = max(heads, key=lambda n: self.edits[n].later())
        if len({value(h) for h in heads}) == 1:
            return top, top, set()
        if policy == "severest":
            top = max(heads, key=lambda n: (severity(n), self.edits[n].later()))
        undecided = policy == "review" or (policy == "latest" and heads & far)
        return top, None if undecided else top, heads

    def as_columns(self, policy_of=lambda column: "latest", far=frozenset(), until=None):
        """A lead's document: every column by itself. (row, revs, column -> (the one that stands, heads, do they differ,
        the one shown), what resolves overruled). until: as one knew it who knew these edits."""
        row, columns, overruled = {}, {}, set()
        edits = {n: e for n, e in self.edits.items() if until is None or n in until}
        for c in {c for e in edits.values() for c in e.writes}:
            value = lambda n: repr(edits[n].writes[c])
            heads, beaten = self.contest([n for n, e in edits.items() if c in e.writes], value, policy_of(c))
            shown, stands, open_ = self.choose(heads, value, policy_of(c), far, lambda n: 0)
            row[c] = edits[shown].writes[c]
            columns[c] = stands, heads, bool(open_), shown
            overruled |= beaten
        row["~clock"] = max((e.clock for e in edits.values()), default=0)
        return row, tuple(sorted(self.leaves, key=repr)), columns, overruled

    def is_line(self):
        """Was there never more than one edit on top?"""
        return not self.has_copies and len({e.parents for e in self.edits.values()}) == len(self.edits) and all(
            len(e.parents) < 2 for e in self.edits.values())

    def as_whole(self, policy, far, severity, settlement=None):
        """A judgment: one edit's content stands, whole. Also what it would be had no lead settled it."""
        before = self.heads(list(self.edits), self.said, policy)
        heads = leave_open(self, before, policy, settlement) if settlement else before
        shown, stands, open_ = self.choose(heads, self.said, policy, far, severity)
        others = tuple(sorted((n for n in self.leaves if n != shown), key=repr))
        row = {c: v for c, (v, _) in self.content(shown).items()}
        return row, (shown,) + others, (stands, open_, heads), before


def field_of(forms, doc, name, column):
    """The field that an answer answers, under the form its edit names; None for no answer."""
    if "@" not in column:
        return None
    label = doc.content(name).get("form_version", ("", 0))[0]
    return forms.get(label, {}).get(column.split("@")[0])


# fate: (what stands, the candidates, the heads). overruled: heads that a settlement took away. was: what it decided between.
Judged = collections.namedtuple("Judged", "row revs fate policy edits overruled was")


def judge_document(edits, forms, far=frozenset(), settlement=None, policies={}):
    doc = Document(edits)
    fields = {(n, c): field_of(forms, doc, n, c) for n, e in doc.edits.items() for c in e.writes}
    asked = {k: policy_in_force(policies, "judgments", k[1].split("@")[0], f["policy"]) for k, f in fields.items() if f}
    policy = max(asked.values() or [policies.get("judgments", "latest")], key=STRICTNESS.index)

    def severity(name):
        cells = doc.content(name).items()
        return max([0] + [fields[w, c]["severity"].get(v, 0) for c, (v, w) in cells if asked.get((w, c)) == "severest"])
    row, revs, fate, before = doc.as_whole(policy, far, severity, settlement)
    was = before if len({doc.said(h) for h in before}) > 1 else set()
    return Judged(row, revs, fate, policy, doc.edits, before - fate[2], was)


# ---- who holds what --------------------------------------------------------------------------

class Place:
    """A workspace: its edits by document, and what its person can see."""
    far, waiting = frozenset(), ()  # edits whose clock was far ahead of their receipt, commits that wait: a hub's to know

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

    def settlement(self, doc):
        """What a lead said of that judgment, as far as it is told here."""
        return self.material.get(("settlement",) + doc[1:], (None,))[0]

    def policies(self):
        return json.loads(self.material["project",][0].get("policies", "{}"))

    def judge(self, doc, forms):
        return judge_document(self.docs[doc], forms, self.far, self.settlement(doc), self.policies())

    def name_edit(self):
        self.counter += 1
        return self.name, self.counter

    def seal(self, now=0):
        if self.is_copy and not self.chain and not self.outbox:     # a copy introduces itself
            self.tick(now)
        if self.outbox or self.is_copy and not self.chain:
            self.chain.append(Commit(self.tip(), self.outbox, self.replica, self.applied, self.clock))
            self.outbox = []


# What a column of a lead's document holds before anybody writes it.
DEFAULTS = {
    "person": dict(role="rater"), "replica": dict(is_hub=0, home=""),
    "guideline": dict(kind="guideline"), "form": dict(kind="form"),
    "guideline_revision": dict(kind="clarifying", parents=()), "form_version": dict(kind="clarifying", parents=()),
    "assignment": dict({"pass": 1}, due="", guideline="", state=("given",)),
    "adjudication": dict(result=""), "project": dict(policies="{}"),
}
# Columns that say who wrote the others and why.
ACCOUNTS = {"guideline_revision": {"number", "person"}, "form_version": {"number", "person"},
            "adjudication": {"cause", "reason", "person"}}
WHOLE = "settlement", "stale"       # what leads write that is taken whole, like a judgment


class Hub(Place):
    """A lead's. verdicts: commit -> {hub that gave one: was the clock far ahead}."""
    def __init__(self, world, name, person, replica):
        super().__init__(name, person, replica)
        self.world, self.exists = world, True
        self.commits, self.lines, self.verdicts, self.waiting = [], {}, {}, []
        self.given, self.steps, self.confirmed = {}, {}, {}
        self.known, self.known_far = {}, (0, set())     # rows already told from that many edits; far from so many verdicts
        self.written = {}           # in the open transaction: doc -> its edit
        self.contents = set()       # what it can show
        self.contents_at, self.theirs = None, {}    # commits up to which no content is missing, here and at others
        self.seen = {}              # guideline -> heads that the lead was shown as one

    # what it writes

    def begin(self, clock):
        self.tick(clock)
        self.written = {}

    def tell(self, doc):
        """(row, revs, columns, overruled); of what is taken whole there is one column without a name."""
        policies = self.policies() if doc != ("project",) else {}
        state = len(self.docs[doc]), repr(sorted(policies.items()))
        if self.known.get(doc, (None,))[0] != state:
            row, *rest = self.tell_whole(doc) if doc[0] in WHOLE else Document(self.docs[doc]).as_columns(
                lambda c: policy_of_column(policies, doc, c))
            if doc[0] == "case":
                row.update(shown_of(row["content"]))
            self.known[doc] = state, {**DEFAULTS.get(doc[0], {}), **row}, *rest
        return self.known[doc][1:]

    def tell_whole(self, doc):
        row, revs, (stands, open_, heads), _ = Document(self.docs[doc]).as_whole("latest", frozenset(), lambda n: 0)
        return row, revs, {"": (stands, heads, bool(open_), revs[0])}, set()

    def row(self, doc):
        """(row, revs); an empty row where there is none."""
        return self.tell(doc)[:2] if doc in self.docs else ({}, ())

    def conflicts(self, doc):
        """column -> candidates, of what is open."""
        return {c: heads for c, (_, heads, is_open, _) in self.tell(doc)[2].items() if is_open and c not in ACCOUNTS.get(doc[0], ())}

    def resolved(self, doc):
        """column -> candidates, of what a resolve has decided; behind a resolve of a resolve what that did."""
        out, document = {}, Document(self.docs[doc])
        policies = self.policies() if doc != ("project",) else {}
        for column, (_, heads, _, shown) in self.tell(doc)[2].items():
            known, more = [], len(heads) == 1 and column not in ACCOUNTS.get(doc[0], ()) and document.edits[shown].resolve
            while more:
                known.append(shown)
                before = document.as_columns(lambda c: policy_of_column(policies, doc, c), until=document.past[shown])[2].get(column)
                known += before[1] if before and len(before[1]) > 1 else []
                more = before and len(before[1]) == 1 and document.edits[before[3]].resolve
                shown = before[3] if before else None
            if len(known) > 1:
                out[column] = set(known)
        return out

    def settlement(self, doc):
        return self.row(("settlement",) + doc[1:])[0] or None

    def policies(self):
        return json.loads(self.row(("project",))[0].get("policies", "{}"))

    def content(self, doc, name):
        """The cells of a document as the author of that edit left it."""
        return content_of(Document(self.docs[doc]).edits, name)

    def who_wrote(self, doc, name):
        e = Document(self.docs[doc]).edits[name]
        return e.replica, e.clock

    def rows(self, table):
        return {d: self.row(d)[0] for d in self.docs if d[0] == table}

    def write(self, doc, derived=False, forced=False, resolve=False, **wanted):
        """True when it is an edit. A resolve writes all that it names, changed or not."""
        row, revs = self.row(doc)
        row = row or DEFAULTS.get(doc[0], {})
        writes = {c: v for c, v in wanted.items() if resolve or row.get(c) != v}
        if doc in self.written:     # a second time in one transaction: one edit
            self.written[doc].writes.update(writes)
            self.known.pop(doc, None)
            return bool(writes)
        if not writes and revs and not forced:
            return False
        name = ("import", doc, revs, repr(wanted)) if derived else self.name_edit()
        clock = (row.get("~clock", 0) + 1) if derived else self.clock
        self.written[doc] = Edit(name, doc, revs, writes, clock, self.replica, resolve)
        self.add(self.written[doc])
        self.outbox.append(self.written[doc])
        return True

    def seal(self, now=0):
        before = self.tip()
        super().seal()
        if self.tip() is not before:
            self.put(self.tip())
            self.verdicts[self.tip()] = {self.name: False}

    # texts: a revision is (table, text, label)

    def revisions(self, table, text):
        return [d for d in self.docs if d[0] == table and d[1] == text]

    def newest(self, table, text):
        """The one that raters work under."""
        return max(self.revisions(table, text), key=lambda d: number_of(self.row(d)[0]), default=None)

    def heads(self, table, text):
        all_, parents = self.revisions(table, text), self.world.parents
        return frozenset(all_) - {p for d in all_ for p in parents[d]}

    def past(self, revision):
        parents = self.world.parents[revision]
        return set(parents).union(*(self.past(p) for p in parents))

    def merges(self, heads):
        """What the heads of a guideline may merge to: texts, None where they overlap. From the nearest of their common ancestors;
        where there are several, by a name that nobody outside knows."""
        common = set.intersection(*(self.past(h) for h in heads))
        bases = common - {p for c in common for p in self.world.parents[c]}
        bodies = [rules_of(self.row(h)[0]["body"]) for h in heads]
        if not bases:       # from an empty text: only what all say can be told
            texts = {self.row(h)[0]["body"] for h in heads}
            return texts if len(texts) == 1 else {None}
        out = set()
        for base in bases:
            before = rules_of(self.row(base)[0]["body"])
            sides = [{b[i] for b in bodies} - {before[i]} for i in range(len(before))]
            out.add(None if any(len(s) > 1 for s in sides) else body_with(
                self.row(base)[0]["body"], [s.pop() if s else before[i] for i, s in enumerate(sides)]))
        return out

    # what it takes in

    def put(self, commit):
        """A commit whose parent has a child already begins another line of its replica."""
        siblings = [c for c in self.commits if c.replica == commit.replica and c.parent == commit.parent]
        line = self.lines.get(commit.parent, 1)
        if siblings:
            line = len({self.lines[c] for c in self.commits if c.replica == commit.replica}) + 1
        self.lines[commit] = line
        self.commits.append(commit)
        self.waiting = [c for c in self.waiting if c != commit]
        for e in commit.edits:
            if not any(e is o for o in self.docs.get(e.doc, [])):  # a copy of the folder may have sent it too
                self.add(e)

    def must_wait(self, commit):
        """What it builds on, or names, has not been heard of here."""
        if commit.parent is not None and commit.parent not in self.lines:
            return True
        edits = {e.name: e for e in commit.edits}
        for e in commit.edits:
            cells = content_of({**{o.name: o for o in self.docs.get(e.doc, [])}, **edits}, e.name)
            guideline = e.writes.get("guideline_revision")
            if (("assignment",) + e.doc[1:] not in self.docs or ("form_version",) + cells["form_version"] not in self.docs
                    or guideline and ("guideline_revision",) + guideline not in self.docs
                    or cells["content"] not in self.contents and cells["content"] not in self.shown()):
                return True
        return False

    def shown(self):
        return {r["content"] for r in self.rows("case").values()}

    def decide(self, commit, at_us):
        """Its own verdict, if it can give one now."""
        if self.must_wait(commit):
            if commit not in self.waiting:
                self.waiting.append(commit)
            return False
        self.put(commit)
        self.verdicts[commit] = {self.name: commit.clock > at_us + DAY_US}
        return True

    def retry(self, clock):
        """How many of those that waited need not any more."""
        n, more = 0, True
        while more:
            more = [c for c in list(self.waiting) if self.decide(c, clock // 10**6 * 10**6)]
            n += len(more)
        return n

    def unite(self, commits, verdicts):
        """Another hub's word is enough."""
        new = [c for c in commits if c not in self.lines]
        for c in new:
            self.put(c)
        for c in commits:
            mine = self.verdicts.setdefault(c, {})
            for hub, far in verdicts[c].items():
                mine.setdefault(hub, far)
        return len(new)

    @property
    def far(self):
        state = sum(map(len, self.verdicts.values()))
        if self.known_far[0] != state:
            self.known_far = state, {e.name for c, words in self.verdicts.items() if any(words.values()) for e in c.edits}
        return self.known_far[1]

    def held_of(self, replica):
        """The tip of each of its lines, the first line first."""
        tips = {self.lines[c]: c for c in self.commits if c.replica == replica}
        return [tips[line] for line in sorted(tips)]

    # contents, which no git remote carries

    def named(self, since):
        return {e.writes["content"] for c in self.commits if since is None or c not in since for e in c.edits
                if e.doc[0] == "case" and "content" in e.writes}

    def bundle(self, to):
        """For another hub: all that it lacks, and what this one can show."""
        if not (self.named(self.contents_at) & self.shown()) - self.contents:
            self.contents_at = set(self.commits)
        return dict(hub=to.name, giver=self, commits=list(self.commits), verdicts={c: dict(v) for c, v in self.verdicts.items()},
                    contents=self.named(self.theirs.get(to)) & self.contents, contents_at=self.contents_at)

    def take_bundle(self, b, clock):
        self.unite(b["commits"], b["verdicts"])
        judged = {row.get("content") for row, *_ in self.judgments(self.world.forms).values()}
        self.contents |= b["contents"] & (self.shown() | judged)
        self.theirs[b["giver"]] = b["contents_at"]
        self.retry(clock)

    def judgments(self, forms):
        return {d: self.judge(d, forms) for d in self.docs if d[0] == "judgment"}

    def is_late(self, doc, shown, stands):
        """Taken back by somebody who did not know what stands, or anything it grew from."""
        state = self.row(("assignment",) + doc[1:])[0]["state"]
        known = Document(self.docs[doc]).past[shown] | {shown}
        return state != ("given",) and stands is not None and not known & set(state[1:])

    def breaking(self, row):
        """(text, label) of each breaking revision that the judgment's own does not descend from; a side branch counts too."""
        for table in "form_version", "guideline_revision":
            if row.get(table):
                named = (table,) + row[table]
                seen = self.past(named) | {named}
                for d in self.revisions(table, named[1]):
                    if d not in seen and self.row(d)[0]["kind"] == "breaking":
                        yield d[1:]

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

class World(Decisions):
    def __init__(self):
        self.hub = None             # the one that acts
        self.places, self.hubs = {}, []
        self.remote = [], {}        # where hubs meet: commits, verdicts
        self.devices, self.bundles, self.forms = {}, {}, {}
        self.labels, self.parents = {}, {}  # revisions: of text, body and parents; what each was written on
        self.tokens = {}            # (place, life of its workspace) -> how many commits the token counts
        self.backups, self.copies = {}, {}      # copies: devices that a copied workspace became -> person
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
            if line["person"] not in ("", person) or not row or row["home"] not in ("", hub.person):
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
            self.bundles[line["bundle"]] = dict(device=self.device_of(place), chain=whole[held:], applied=place.applied)
            place.told = place.applied

    def device_of(self, place):
        return next(n for n, (_, replica) in self.devices.items() if replica == place.replica)

    def op_merge(self, line):
        b, hub = self.bundles[line["bundle"]], self.hub
        hub.seal()
        sender = self.devices[b["device"]][1] if "device" in b else b["giver"].replica
        if "chain" in b:
            self.enter(hub, line, b["chain"])
        knows = ("replica", sender) in hub.docs
        self.expect(line, "the answer", line["told"], "merged" if knows else "refused")
        if knows and "giver" in b:
            hub.take_bundle(b, line["clock"])
        elif knows:
            for commit in b["chain"]:
                if commit not in hub.lines:
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


# ---- comparing -----------------------------------------------------------------------------------

def shown_of(content):
    """What a case's row says of its content: nothing of its own."""
    c = json.loads(content)
    return dict(kind="serp", locale="en-US", segment=c["segment"], results=[r["id"] for r in c["results"]])


def number_of(row):
    return row["number"], row["~clock"]


def rules_of(body):
    return tuple(l.split("say ")[1] for l in body.splitlines() if l.startswith("Rule "))


def body_with(body, rules):
    left = list(rules)
    return "".join(l.split("say ")[0] + "say " + left.pop(0) + "\n" if l.startswith("Rule ") else l + "\n"
                   for l in body.splitlines())


def what_it_says(table, body):
    """A form is stored in its canonical spelling; its fields and choices are what the lead wrote."""
    if table == "guideline_revision":
        return body
    return tuple((f["name"], tuple(c["value"] for c in f.get("choices", []))) for f in json.loads(body)["fields"])


class Names:
    """What the keys in a hub's dump stand for, in the words of the intents."""
    def __init__(self, world, contents, tables):
        self.of, self.world = dict(contents), world
        self.rows = {r[4]: (table, *r) for table, rows in [("guideline_revision", tables["guidelines"]),
                                                           ("form_version", tables["forms"])] for r in rows}
        self.docs = {key: self.revision(key) for key in self.rows}
        self.of.update({key: doc[1:] for key, doc in self.docs.items()})
        for kind, name, key in tables["documents"]:
            parts = [int(p) if i == 2 and kind != "adjudication" else self.of.get(p, (p,)) for i, p in enumerate(name.split("|"))]
            self.docs[key] = (kind,) if kind == "project" else (kind,) + sum((p if isinstance(p, tuple) else (p,) for p in parts), ())
            self.of.setdefault(key, name)

    def revision(self, key):
        table, name, _, _, body, _, parents, *_ = self.rows[key]
        above = frozenset(self.revision(parents[i:i + 32]) for i in range(0, len(parents), 32))
        return table, name, self.world.labels.get((table, name, what_it_says(table, body), above), "?" + key)

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
    for key, col, kind, is_open, policy, replica, clock, stands, value in tables["conflicts"]:
        cells = {c: names(v) for c, v in json.loads(value).items()}
        conflicts.setdefault(f"{key}{col} {kind} {policy} {'open' if is_open else 'settled'}", []).append((replica, clock, bool(stands), wrote(cells)))
    return out, {k: sorted(v, key=repr) for k, v in conflicts.items()}


def told_judgments(judged, revs_of, settlement_of):
    out, conflicts = {}, {}
    for doc, (row, _, (stands, open_, _), policy, edits, _, was) in judged.items():
        out[key_of(doc)] = {"note": "", "guideline_revision": "", "~ms": 0, "names its assignment": int(row["assignment_rev"] == revs_of(("assignment",) + doc[1:])),
                            **{c: v for c, v in row.items() if v is not None and c != "assignment_rev"}}
        settled = was if settlement_of(doc) else set()
        if open_ or settled:
            conflicts[f"{key_of(doc)} fork {policy} {'open' if open_ else 'settled'}"] = sorted(
                [(edits[n].replica, edits[n].clock, n == stands, wrote(content_of(edits, n))) for n in open_ or settled], key=repr)
    return out, conflicts


def told_labels(judged, lapses, finals):
    """One row an answer, as an export has them."""
    late = {l[0] for l in lapses if l[1] == "late"}
    stale = {l[0]: l[3] or "open" for l in sorted(lapses, key=lambda l: (l[3] == "", l[3])) if l[1] == "stale"}
    for doc, (row, _, (stands, open_, _), *_) in judged.items():
        answers = sorted((k, v) for k, v in row.items() if "@" in k and v is not None)
        for k, v in answers or [("@", "")]:
            yield [*doc[1:], *k.split("@"), v, row["state"], bool(open_), bool(open_) and stands is None, key_of(doc) in late,
                   stale.get(key_of(doc), ""), finals.get((doc[1], *k.split("@")), "")]


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
        c.same(f"{where}: {table}", {names(r[4]): (r[1], r[2], what_it_says(revision, r[3]), r[6]) for r in tables[table]},
               {d[1:]: (r["number"], r["kind"], what_it_says(revision, r["body"]), r["~clock"]) for d, (r, _) in rows.items()
                if d[0] == revision})
    c.same(where + ": assignments", {r[0]: r[1:] for r in tables["assignments"]},
           {key_of(d): [r["position"], r["due"], r["form"], r["guideline"], r["state"][0]] for d, (r, _) in rows.items()
            if d[0] == "assignment"})


def plain(column, value):
    """A cell as the model and a dump both have it; None where it is a name that only the product knows."""
    if column in ("body", "public_key", "parents", "weighed", "judgment", "home", "parent_doc", "case_id"):
        return None
    if column == "state":
        return value.split()[0] if isinstance(value, str) else value[0]
    return value[1] if isinstance(value, tuple) else value  # of a document its name


def conflicts_of(hub):
    """What leads wrote without knowing of each other: (document, column, class, is it open, candidates)."""
    for doc in hub.docs:
        if doc[0] == "judgment":
            continue
        row, revs, columns, _ = hub.tell(doc)
        edits = Document(hub.docs[doc]).edits
        said = lambda n, col: repr(plain(col, edits[n].writes[col])) if col else ""
        for col, candidates in hub.resolved(doc).items():
            yield [doc, col, "hard", 0, sorted((edits[n].replica, edits[n].clock, int(n == columns[col][0]), said(n, col)) for n in candidates)]
        several = {col: x for col, x in columns.items() if len(x[1]) > 1 and col not in ACCOUNTS.get(doc[0], ())}
        for col, (stands, heads, is_open, _) in several.items():
            yield [doc, col, "hard" if is_open else "identical", int(is_open), sorted(
                (edits[n].replica, edits[n].clock, int(n == stands), said(n, col)) for n in heads)]
        if len(revs) > 1 and doc[0] not in WHOLE and not several and not any(x[2] for x in columns.values()):
            yield [doc, "", "parallel", 0, sorted((edits[n].replica, edits[n].clock, 0, "") for n in revs)]


def held_conflicts(tables, names):
    out = {}
    for table, key, col, kind, is_open, replica, clock, stands, value in tables["other conflicts"]:
        doc = names.docs.get(key, (key,))
        doc = ("settlement",) + doc[1:] if table == "settlements" else doc  # it has the id of its judgment
        said = json.loads(value).get(col) if col else ""
        said = repr(plain(col, names(said) if isinstance(said, str) else said)) if col else ""
        out.setdefault((doc, col, kind, is_open), []).append((replica, clock, int(bool(stands)), said))
    return [[*k, sorted(v)] for k, v in out.items()]


def compare_texts(c, hub, held, names):
    """Several revisions side by side: candidates, what raters work under, and how a guideline's merge."""
    have, must = {}, {}
    for table, name, policy, value, stands in held["tables"]["texts"]:
        text = have.setdefault((table, name), [policy, [], []])
        label = names(json.loads(value)["id"])
        text[1].append(label)
        text[2] += [label] if stands else []
    for table, revision in ("guideline", "guideline_revision"), ("form", "form_version"):
        for name in {d[1] for d in hub.docs if d[0] == table}:
            heads, may_be = hub.heads(revision, name), {None}
            if table == "guideline":
                may_be = hub.merges(heads) if len(heads) > 1 else {hub.row(next(iter(heads)))[0]["body"]}
                n, overlaps, text = held["merged"][name]
                c.same(f"{hub.name}: heads of {name}", n, len(heads))
                if (None if overlaps else text) not in may_be:
                    c.found.append(f"model: {hub.name}: the merge of {name}: holds {text!r}, must hold one of {may_be!r}")
            if len(heads) > 1:
                policies = {"overlaps" if m is None else "merges" for m in may_be}
                policy = have.get((table, name), [None])[0]
                must[table, name] = [policy if policy in policies else sorted(policies), sorted(h[1:] for h in heads),
                                     [hub.newest(revision, name)[1:]]]
    c.same(hub.name + ": texts", {k: [v[0], sorted(v[1]), v[2]] for k, v in have.items()}, must)


def compare_place(c, world, place, held, contents):
    tables = held["tables"]
    is_hub = isinstance(place, Hub)
    names = world.names
    judged = {d: place.judge(d, world.forms) for d in place.docs if d[0] == "judgment"}
    (have, have_open), (must, must_open) = held_judgments(tables, names), told_judgments(
        judged, lambda d: place.row(d)[1] if is_hub else place.material[d][1], place.settlement)
    c.same(place.name + ": judgments", have, must)
    c.same(place.name + ": conflicts", have_open, must_open)
    c.same(place.name + ": conflicts of material", {tuple(x[:4]): x[4] for x in held_conflicts(tables, names)},
           {tuple(x[:4]): x[4] for x in conflicts_of(place)} if is_hub else {})
    c.same(place.name + ": left behind", tables["left behind"], [[0, len(place.waiting)]])
    rows = {d: place.row(d) for d in place.docs if d[0] != "judgment"} if is_hub else place.material
    compare_material(c, place.name, tables, names, rows)
    compare_decisions(c, place.name, tables, world.revs, rows, world.written())
    c.same(place.name + ": what cases show", held["shown"],
           {d[1]: json.loads(r["content"]) for d, (r, _) in rows.items() if d[0] == "case"})
    lapses = sorted(place.lapses(judged), key=repr) if is_hub else []
    c.same(place.name + ": lapses", sorted(([*r[:4], names(r[4])] for r in tables["lapses"]), key=repr), lapses)
    c.same(place.name + ": labels", sorted(held["labels"]), sorted(told_labels(judged, lapses, finals_of(rows))))
    c.same(place.name + ": drafts", {r[0]: r[1:] for r in tables["drafts"]},
           {key_of(d): [v["note"], v["ms"]] for d, v in place.drafts.items()})
    c.same(place.name + ": answers in drafts", {(r[0], r[1]): r[2] for r in tables["draft answers"]},
           {(key_of(d), k): a for d, v in place.drafts.items() for k, a in v["answers"].items()})
    return judged


FATES = ["exported", "standing", "equal", "superseded", "overruled", "in conflict"]


def fates_of(hub, judged):
    """doc -> (edits that stand, edits that are in conflict, edits that leads overruled)."""
    for doc, edits in hub.docs.items():
        if doc[0] == "judgment":
            stands, open_, heads = judged[doc].fate
            yield doc, ({stands} if open_ else heads), open_, judged[doc].overruled
            continue
        document, (_, revs, columns, overruled) = Document(edits), hub.tell(doc)
        if document.is_line():
            yield doc, set(revs), set(), set()
            continue
        empty = {n for n in revs if doc[0] not in WHOLE and not document.edits[n].writes}
        stand = empty.union(*({s} if is_open else heads for s, heads, is_open, _ in columns.values()))
        yield doc, stand, set().union(*(heads for s, heads, is_open, _ in columns.values() if is_open)) - stand, overruled


def compare_hub(c, world, hub, held):
    """The balance, and that every judgment ever exported is told in the life of its case."""
    judged = compare_place(c, world, hub, held, world.contents)
    compare_texts(c, hub, held, world.names)
    count, exported, seen = {x.replica: dict.fromkeys(FATES, 0) for x in hub.commits}, [], set()
    fates = {doc: rest for doc, *rest in fates_of(hub, judged)}
    identities = {replica for _, replica in world.devices.values()}
    for replica, e in sorted(((x.replica, e) for x in hub.commits for e in x.edits), key=lambda s: s[0]):
        stands, open_, overruled = fates[e.doc]     # of equal edits that of the lowest id is counted
        fate = ("equal" if (e.doc, e.name) in seen else "standing" if e.name in stands else "in conflict" if e.name in open_
                else "overruled" if e.name in overruled else "superseded")
        seen.add((e.doc, e.name))
        count[replica]["exported"] += 1
        count[replica][fate] += 1
        if replica in identities:
            exported.append([e.doc[1], e.doc[2], replica, e.clock])
    rated = {}
    for replica, exports, standing, equal, superseded, overruled, in_conflict, quarantined, waiting in held["balance"]:
        if exports != standing + equal + superseded + overruled + in_conflict + quarantined + waiting:
            c.found.append(f"balance: {replica} exported {exports}, but the parts make another sum")
        c.same("balance of " + replica, [quarantined, waiting], [0, 0])
        rated[replica] = dict(zip(FATES, [exports, standing, equal, superseded, overruled, in_conflict]))
    c.same(hub.name + ": balance", rated, count)
    c.same(hub.name + ": verdicts", {tuple(r[:3]): r[3] for r in held["tables"]["verdicts"]}, told_verdicts(hub, world))
    c.same(hub.name + ": judgments found", sorted(s[:4] for s in held["stories"] if s[2] in identities), sorted(exported))


def told_verdicts(hub, world):
    """(device, hub, far) -> how many of its change commits."""
    out = {}
    for commit, words in hub.verdicts.items():
        for name, far in words.items():
            key = commit.replica, world.places[name].replica, int(far)
            out[key] = out.get(key, 0) + 1
    return out


def check(log, state, world=None):
    """What is wrong, one line each; nothing when all is as it must be."""
    world, c = world or World(), Comparison()
    c.found += state["found"]           # what the simulator saw on the way
    world.revs = {rev: tuple(who) for held in state["places"].values() for rev, who in held.get("revs", {}).items()}
    world.contents = state["contents"]
    for line in log:
        world.play(line)
    c.found += [f"told: {w}" for w in world.wrong]
    world.names = Names(world, world.contents, state["places"]["hub"]["tables"])
    for name, held in state["places"].items():
        if held["hash"] != held["replayed"]:
            c.found.append(f"replay: {name}: holds {held['hash']:.12}, its history tells {held['replayed']:.60}")
        if not isinstance(world.places[name], Hub):
            compare_place(c, world, world.places[name], held, world.contents)
    for hub in world.hubs:
        compare_hub(c, world, hub, state["places"][hub.name])
    if len({state["places"][h.name]["hash"] for h in world.hubs} | ({state["mirror"]} if len(world.hubs) == 1 else set())) > 1:
        c.found.append("hash: another hub that merged the same in another order holds another state")
    if state["news"]:
        c.found.append("quiet: an exchange without news wrote " + state["news"])
    for name, (person, _) in world.devices.items():     # all was delivered: each device holds what the hub gives
        lines, steps = [p for p in world.places.values() if p.replica == world.devices[name][1]], world.home_of(name).steps
        if len(lines) == 1 and lines[0].applied != len(steps.get(name, [])):
            c.found.append(f"delivery: {name} holds {lines[0].applied} of {len(steps[name])} outbound commits")
    c.same("workspaces", sorted(state["places"]), sorted(p.name for p in world.places.values() if p.exists))
    return c.found + world.check(state)


def check_files(log, state):
    import model_relay  # which is made of what stands above
    with open(log) as l, open(state) as s:
        return model_relay.check([json.loads(line) for line in l], json.load(s))


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--check", nargs=2, metavar=("LOG", "STATE"), required=True)
    found = check_files(*p.parse_args().check)
    print("\n".join(found) or "as it must be")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
