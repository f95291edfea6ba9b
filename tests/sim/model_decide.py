"""What leads decide, in the naive model: settlements, final answers, policies. Part of model.py."""
import json

TABLES = {"project": "project", "persons": "person", "replicas": "replica", "cases": "case", "guidelines": "guideline",
          "guideline_revisions": "guideline_revision", "forms": "form", "form_versions": "form_version",
          "assignments": "assignment", "adjudications": "adjudication", "settlements": "settlement", "judgments": "judgment"}
SETTLED = "judgment", "settlement", "case", "assignment", "adjudication", "project"      # what the simulated leads settle
BESIDE = "assignment_rev", "content", "form_version", "guideline_revision", "note"      # no answers


def policy_in_force(policies, table, name, otherwise="latest"):
    """The project's for the column or field, else its for the table, else what the form says."""
    return policies.get(f"{table}.{name}", policies.get(table, otherwise))


def policy_of_column(policies, doc, column):
    return policy_in_force(policies, next(t for t, d in TABLES.items() if d == doc[0]), column) if doc[0] in TABLES.values() else "latest"


def leave_open(doc, heads, policy, settlement):
    """Of the heads those that a settlement leaves: what it has not weighed, and what it chose. Under `latest` an edit
    that grew from what it chose replaces that; under the others the question between them is open again."""
    stood = settlement["stands"]
    if stood not in doc.past or stood not in settlement["weighed"]:
        return heads                    # what it chose is not here: it changes nothing yet
    covered = {w for w in settlement["weighed"] if w in doc.past}
    covered |= set().union(*(doc.past[w] for w in covered))
    fresh = heads - covered
    if policy != "latest" or not any(stood in doc.past[n] for n in fresh):
        fresh = fresh | {stood}
    return fresh


class Decisions:
    """The part of the world that is a lead's desk."""

    # what disagrees

    def disputes(self, hub):
        """(doc, column, is it open, candidates) of each conflict that a lead can settle."""
        for doc in list(hub.docs):
            if doc[0] == "judgment":
                judged = hub.judge(doc, self.forms)
                settled = judged.was if hub.settlement(doc) else set()
                if judged.fate[1] or settled:
                    yield doc, "", bool(judged.fate[1]), judged.fate[1] or settled
            elif doc[0] in SETTLED:
                for column, candidates in hub.conflicts(doc).items():
                    yield doc, column, True, candidates
                for column, candidates in hub.resolved(doc).items():
                    yield doc, column, False, candidates
                for column, candidates in hub.resolved(doc).items():
                    yield doc, column, False, candidates

    def doc_named(self, name):
        doc, case, field = TABLES[name["table"]], name["case"], name["name"].partition("@")
        if doc in ("judgment", "settlement", "assignment"):
            return doc, case, name["person"], name["pass"]
        if doc == "adjudication":
            return doc, case, field[0], field[2]
        return (doc, case) if case else (doc, name["name"]) if doc != "project" else (doc,)

    # settling

    def settle(self, hub, doc, column, taken, candidates, reason):
        """taken: the edit that was chosen. A judgment is taken whole; so is what one settlement of several says of it."""
        account = {"~reason": reason, "~person": hub.person}
        if doc[0] == "judgment":
            judged = hub.judge(doc, self.forms)
            self.write_settlement(hub, doc, taken, set(judged.revs) | set(candidates), judged.policy, account)
        elif doc[0] == "settlement":
            judgment, said = ("judgment",) + doc[1:], [hub.content(doc, n) for n in candidates]
            weighed = set(hub.judge(judgment, self.forms).revs).union(*(s["weighed"] for s in said))
            self.write_settlement(hub, judgment, hub.content(doc, taken)["stands"], weighed, "latest", account)
        else:
            also = dict(person=hub.person, reason=reason) if doc[0] == "adjudication" and column == "value" else {}
            hub.write(doc, resolve=True, **{column: hub.content(doc, taken)[column]}, **also)
            hub.write(("resolution", doc, hub.docs[doc][-1].name), settles=repr(column))

    def write_settlement(self, hub, judgment, stands, weighed, policy, account):
        hub.write(("settlement",) + judgment[1:], forced=True, stands=stands, weighed=tuple(sorted(weighed, key=repr)),
                  **account, **{"~policy": policy})

    def op_resolve(self, line):
        hub = self.places[line["at"]]
        found = {(doc, column): c for doc, column, is_open, c in self.disputes(hub) if is_open == (line["of"] == "open")}
        self.expect(line, f"number of {line['of']} conflicts", line["told"], len(found))
        if line["conflict"] is None:
            return
        at = self.doc_named(line["conflict"]), line["conflict"]["column"]
        candidates = found.get(at, ())
        taken = [n for n in candidates if hub.who_wrote(at[0], n) == tuple(line["take"])]
        self.expect(line, f"candidates of {at}", len(taken), 1)
        if taken:
            hub.begin(line["clock"])
            self.settle(hub, *at, taken[0], candidates, line["reason"])

    def falls_under(self, hub, rule, doc, candidates):
        """The candidate that a rule takes; None where it takes none."""
        edits = {e.name: e for e in hub.docs[doc]}
        answers = [{c: v for c, v in hub.content(doc, n).items() if c[0] != "~" and c not in BESIDE} for n in candidates]
        if rule == "standing":
            return hub.judge(doc, self.forms).fate[0]
        if candidates & hub.far or rule == "unanimous" and any(a != answers[0] for a in answers):
            return None
        return max(candidates, key=lambda n: edits[n].later())

    def op_rule(self, line):
        hub = self.places[line["at"]]
        open_ = [(doc, c) for doc, _, is_open, c in self.disputes(hub) if is_open and doc[0] == "judgment"]
        fits = [(doc, c, self.falls_under(hub, line["rule"], doc, c)) for doc, c in open_]
        self.expect(line, "number settled", line["told"], sum(taken is not None for *_, taken in fits))
        hub.begin(line["clock"])
        for doc, candidates, taken in fits:
            if taken is not None:
                self.settle(hub, doc, "", taken, candidates, line["reason"])

    # final answers

    def may_be_final(self, hub, line):
        """Whether it is asked by the newest version of a form, of those given for the case before any other, and on the
        scale: what may be. Of two versions with one number which is the newer goes by a name that nobody outside knows."""
        given = {r["form"] for d, r in hub.rows("assignment").items() if d[1] == line["case"]}
        asking = [(d[1] not in given, -hub.row(d)[0]["number"], d[1:]) for d in hub.docs
                  if d[0] == "form_version" and line["field"] in self.forms[d[1:]]]
        first = min((a[:2] for a in asking), default=None)
        shown = line["result"] in ["", *hub.row(("case", line["case"]))[0]["results"]]
        return {self.fits(self.forms[a[2]][line["field"]], line) and shown for a in asking if a[:2] == first} or {False}

    def fits(self, field, line):
        scope = "result" if line["result"] else "page"
        return field["scope"] == scope and line["value"] in ["", *(field["values"] or [line["value"]])]

    def op_adjudicate(self, line):
        hub, told = self.places[line["at"]], "refused"
        may_be = self.may_be_final(hub, line)
        if True in may_be and not (False in may_be and line["told"] == "refused"):
            hub.begin(line["clock"])
            changed = hub.write(("adjudication", line["case"], line["field"], line["result"]), case_id=line["case"],
                                field=line["field"], result=line["result"], value=line["value"] or None,
                                cause=line["cause"], reason=line["reason"], person=hub.person)
            told = "changed" if changed else "as it was"
        self.expect(line, "the answer", line["told"], told)

    # policies

    def op_policy(self, line):
        hub, (table, _, column) = self.places[line["at"]], line["key"].partition(".")
        told = "refused"
        if table != "judgments" or not column or any(column in self.forms[d[1:]] for d in hub.docs if d[0] == "form_version"):
            now = hub.policies()
            wanted = {k: p for k, p in {**now, line["key"]: line["policy"]}.items() if p}
            told = "changed" if wanted != now else "as it was"
            hub.begin(line["clock"])
            if wanted != now:
                hub.write(("project",), policies=json.dumps(wanted, sort_keys=True, separators=(",", ":")))
        self.expect(line, "the answer", line["told"], told)


# ---- comparing ---------------------------------------------------------------------------------

def compare_decisions(c, where, tables, revs, rows, edits):
    """rows: doc -> (row, revs), all that must be here; revs and edits: who wrote an edit and when, by rev and by name."""
    keyed = {kind: {"|".join(map(str, d[1:])): r for d, (r, _) in rows.items() if d[0] == kind} for kind in ("settlement", "adjudication")}
    names = lambda joined: sorted(revs.get(joined[i:i + 16], joined[i:i + 16]) for i in range(0, len(joined), 16))
    c.same(where + ": settlements", {r[0]: [names(r[1]), names(r[2]), *r[3:]] for r in tables["settlements"]},
           {k: [[edits[r["stands"]]], sorted(edits[n] for n in r["weighed"]), r["~reason"], r["~policy"], r["~person"]]
            for k, r in keyed["settlement"].items()})
    c.same(where + ": final answers", {"|".join(r[:3]): r[3:] for r in tables["finals"]},
           {k: [r.get("value"), r["cause"], r["reason"], r["person"]] for k, r in keyed["adjudication"].items()})
    c.same(where + ": policies", json.loads(tables["policies"][0][0]), json.loads(rows["project",][0].get("policies", "{}")))


def finals_of(rows):
    """(case, field, result) -> the final answer that an export shows beside a label."""
    return {d[1:]: r.get("value") or "" for d, (r, _) in rows.items() if d[0] == "adjudication"}
