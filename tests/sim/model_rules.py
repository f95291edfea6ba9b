"""How edits become state, in the naive model: trees of edits, what stands of them, and words for what they hold."""
import collections
import json

from model_decide import leave_open, policy_in_force

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
    commit, having seen the same material, make one commit: it is named by what it says, and when."""
    def __init__(self, parent, edits, replica, applied, clock=0):
        self.parent, self.edits, self.replica = parent, edits, replica
        self.clock = max((e.clock for e in edits), default=clock)
        self.name = (parent.name if parent else None, tuple(e.name for e in edits), applied, self.clock)
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


# ---- what a cell says ------------------------------------------------------------------------

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


def wrote(cells):
    return {c: v for c, v in cells.items() if c[0] != "~" and c != "assignment_rev"}


def content_of(edits, name):
    """The cells of a judgment as the author of that edit left it."""
    e = edits[name]
    return {**(content_of(edits, e.parents[0]) if e.parents else {}), **e.writes}


def key_of(doc):
    return "|".join(map(str, doc[1:]))
