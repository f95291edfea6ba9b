"""Whom leads trust, in the naive model: devices that are revoked, keys that are replaced, rulings about refused work. Part of model.py."""
import copy


class Trust:
    """The part of the world that is about keys. successors: device -> (the one that it says it goes on for, did that one's key sign?)"""

    # devices that are revoked

    def op_revoke(self, line):
        """With it goes whoever goes on for it by its own word; whom a lead has trusted stays."""
        hub, rows = self.hub, self.hub.rows("replica")
        trusted = {d[1] for d, r in hub.rows("ruling").items() if r["decision"] == "trust"}
        gone = {d[1] for d, r in rows.items() if r["person"] == line["person"] and r["state"] != "revoked"
                and line["identity"] in ("", d[1])}
        more = gone
        while more:
            more = {d[1] for d, r in rows.items() if r["copy_of"] in gone and d[1] not in trusted} - gone
            gone = gone | more
        gone = [replica for replica in sorted(gone) if rows["replica", replica]["state"] != "revoked"]
        self.expect(line, "number revoked", line["told"], len(gone))
        if gone:
            hub.begin(line["clock"])
        for replica in gone:
            hub.write(("replica", replica), state="revoked")
            self.rule(replica, "revoke", line["reason"])

    def name_of(self, commit):
        """What a ruling is about: no one outside knows the names of git. Two lines of a device may have sealed the same."""
        name = f"{commit.replica}@{commit.clock}"
        twins = self.twins.setdefault(name, [])
        if commit not in twins:
            twins.append(commit)
        return name + "'" * twins.index(commit)

    def rule(self, about, decision, reason):
        self.hub.write(("ruling", about), about=about.rstrip("'"), decision=decision, reason=reason, person=self.hub.person)

    # keys that are replaced

    def op_new_key(self, line):
        """What the hub has not confirmed is sealed once more, and what was not sealed as its own."""
        place = self.places[line["at"]]
        is_heard_of = place.chain or not place.is_copy      # else the id that it has was never anybody's
        rest = place.chain[place.chain.index(place.acked) + 1:] if place.acked in place.chain else place.chain
        again = [self.as_mine(e, line) for commit in rest for e in commit.edits]
        self.expect(line, "signed by the old key", line["proven"], bool(is_heard_of and not line["lost"]))
        self.expect(line, "number of edits that are sealed again", line["told"], len(again))
        for i, e in enumerate(place.outbox):
            docs = place.docs[e.doc]
            docs[docs.index(e)] = place.outbox[i] = self.as_mine(e, line)
        for e in again:
            place.add(e)
        place.outbox = again + place.outbox
        place.succeeds = place.replica if is_heard_of else place.succeeds
        self.devices[line["name"]] = place.person, line["identity"]
        self.successors[line["identity"]] = place.succeeds, line["proven"]
        place.former_lines = place.former_lines + [(place.replica, place.chain)] if place.chain else place.former_lines
        place.chain = []
        place.replica, place.is_copy = line["identity"], True
        place.applied, place.told = 0, 0

    def lines_before(self, place):
        """Change commits with keys that its hub has not told of yet: they say for whom the next one goes on."""
        out = []
        for replica, chain in place.former_lines:
            out = [] if ("replica", replica) in place.material else out + chain
        return out

    def as_mine(self, edit, line):
        mine = copy.copy(edit)
        mine.replica = line["identity"]
        return mine

    def meet(self, hub, line, sender, chain):
        """A stranger that says for whom it goes on is noted. One that can prove it is let in, unless somebody else was already."""
        if hub.knows(sender):
            return
        for stranger in [c.replica for c in chain if c.parent is None and c.replica in self.successors]:
            succeeds, proven = self.successors[stranger]
            if (hub.knows(succeeds) or succeeds in hub.strangers) and stranger not in hub.strangers:
                hub.strangers[stranger] = succeeds, proven, line["clock"]
        fits = True
        while fits:
            rows = hub.rows("replica")
            active = {d[1] for d, r in rows.items() if r["state"] == "active"} - {r["copy_of"] for r in rows.values()}
            fits = sorted((since, s) for s, (old, proven, since) in hub.strangers.items() if proven and not hub.knows(s) and old in active)
            for _, stranger in fits[:1]:
                hub.begin(line["clock"])
                self.let_in(hub, stranger)
        hub.seal()

    def let_in(self, hub, stranger):
        old = hub.strangers[stranger][0]
        row = hub.row(("replica", old))[0]
        hub.write(("replica", stranger), derived=True, person=row["person"], public_key=stranger, copy_of=old, home=row["home"])
        if row["state"] != "revoked":
            hub.write(("replica", old), derived=True, state="retired")

    def op_trust(self, line):
        hub, told = self.hub, "refused"
        self.expect(line, "who waits", sorted(line["waiting"]), sorted(s for s in hub.strangers if not hub.knows(s)))
        if hub.knows(hub.strangers[line["identity"]][0]):
            told = "trusted"
            hub.begin(line["clock"])
            self.let_in(hub, line["identity"])
            self.rule(line["identity"], "trust", "its key was compared with its owner")
            hub.seal()
            hub.retry(line["clock"])
        self.expect(line, "the answer", line["told"], told)

    # what was refused, and what is to be looked at

    def op_ruling(self, line):
        hub, edits, told = self.hub, 0, "decided"
        hub.seal()
        among = hub.refused if line["kind"] == "refused" else hub.to_review()
        fits = [c for c in among if c.replica == line["device"] and max((e.clock for e in c.edits), default=0) == line["of"]]
        self.expect(line, "change commits of that name", len(fits), 1)
        if len(fits) != 1:
            return
        commit, = fits
        if line["decision"] == "accept" and (commit not in hub.kept or hub.must_wait(commit)):
            told = "refused"
        else:
            hub.begin(line["clock"])
            self.rule(self.name_of(commit), line["decision"], line["reason"])
            hub.seal()
        if line["decision"] == "accept" and told == "decided":
            before = set(hub.commits)
            hub.take(commit, line["clock"] // 10**6 * 10**6)
            hub.retry(line["clock"])
            edits = sum(len(c.edits) for c in hub.commits if c not in before)
        self.expect(line, "the answer", [line["told"], line["edits"]], [told, edits])


def compare_trust(c, hub, held):
    """What waits for a lead's word, and what was said."""
    person = lambda replica: hub.row(("replica", replica))[0].get("person", "")
    said = lambda about: [hub.row(("ruling", about))[0].get(k, "") for k in ("decision", "reason")]
    must = [["stranger", s, person(old), sum(len(w.edits) for w in hub.waiting if w.replica == s), *said(s)]
            for s, (old, *_) in hub.strangers.items() if not hub.knows(s)]
    for kind, commits in ("refused", hub.refused), ("review", hub.to_review()), ("waiting", hub.waiting):
        must += [[kind, x.replica, person(x.replica), len(x.edits), *said(hub.world.name_of(x))] for x in commits]
    c.same(hub.name + ": quarantine", sorted(held["quarantine"]), sorted(must))


def compare_rulings(c, where, tables, names, rows):
    c.same(where + ": rulings", sorted([names(r[0]), *r[1:]] for r in tables["rulings"]),
           sorted([r["about"], r["decision"], r["reason"], r["person"]] for d, (r, _) in rows.items() if d[0] == "ruling"))
