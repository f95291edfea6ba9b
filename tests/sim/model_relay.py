"""Vendors' relays in the model: given material like a device, they give to their raters' devices and collect from them
like a hub, and write nothing themselves.
"""
from model_compare import Comparison, FATES, check as check_world, fates_of, told_verdicts
from model_hub import Hub, Place
from model_rules import content_of, number_of
from model_world import World


class Relay(Place):
    """material: what its hub gave. held: line -> the tip that the hub acknowledged."""
    put, take, decide, retry, held_of, far, forget = Hub.put, Hub.take, Hub.decide, Hub.retry, Hub.held_of, Hub.far, Hub.forget

    def __init__(self, name, person, replica):
        super().__init__(name, person, replica)
        self.commits, self.lines, self.verdicts, self.waiting = [], {}, {}, []
        self.given, self.steps, self.confirmed = {}, {}, {}
        self.contents, self.held, self.known_far = set(), {}, (0, set())

    # what it holds, asked as a hub is asked

    def row(self, doc):
        return self.material.get(doc, ({}, ()))

    def rows(self, table):
        return {d: row for d, (row, _) in self.material.items() if d[0] == table}

    def newest(self, table, text):
        return max((d for d in self.material if d[0] == table and d[1] == text), key=lambda d: number_of(self.row(d)[0]))

    def gives_to(self, replica):
        return self.row(("replica", replica))[0].get("home") == self.person

    # what it takes in

    def knows(self, replica):
        return True

    trusts = knows      # whom to trust is for its hub to say

    def must_wait(self, commit):
        if commit.parent is not None and commit.parent not in self.lines:
            return True
        edits = {e.name: e for e in commit.edits}
        for e in commit.edits:
            cells = content_of({**{o.name: o for o in self.docs.get(e.doc, [])}, **edits}, e.name)
            named = [("assignment",) + e.doc[1:], ("form_version",) + cells["form_version"]]
            if e.writes.get("guideline_revision"):
                named.append(("guideline_revision",) + e.writes["guideline_revision"])
            if any(n not in self.material for n in named) or cells["content"] not in self.contents:
                return True
        return False

    def learn(self, have):
        """Material came: what cases show comes with it. The hub said anew which lines it holds, and how far."""
        self.contents |= {row["content"] for row in self.rows("case").values()}
        self.held = {(tip.replica, self.lines[tip]): tip for tip in have if tip in self.lines}

    # what it passes on

    def owed(self):
        """The change commits that its hub has not acknowledged, line by line, each line's oldest first; then those that it
        could not take in: the hub may know more."""
        tips, out = {}, []
        for c in self.commits:
            tips[c.replica, self.lines[c]] = c
        for line in sorted(tips):
            at, chain = tips[line], []
            while at is not None and at != self.held.get(line):
                chain.insert(0, at)
                at = at.parent
            out += [c for c in chain if c not in out]
        return out + self.waiting


class RelayWorld(World):
    def __init__(self):
        super().__init__()
        self.relays = []

    def op_device(self, line):
        if line["role"] != "relay":
            return super().op_device(line)
        hub, person, identity = self.hub, line["person"], line["identity"]
        hub.begin(line["clock"])
        hub.write(("person", person), pseudonym=person, role="relay")
        hub.write(("replica", identity), person=person, public_key=identity, is_hub=1)
        if line["home"]:
            hub.write(("replica", identity), home=line["home"])
        self.devices[line["name"]] = person, identity
        self.places[line["name"]] = Relay(line["name"], person, identity)
        self.relays.append(self.places[line["name"]])

    def home_of(self, device):
        replica = self.devices[device][1]
        rows = [h.row(("replica", replica))[0] for h in self.hubs]
        home = next((row["home"] for row in rows if row), "")
        return next((r for r in self.relays if r.person == home), None) or super().home_of(device)

    # from the hub to it

    def behind(self, hub, relay):
        """Devices that it stands before, as that hub has heard."""
        return [replica for _, replica in self.devices.values() if hub.row(("replica", replica))[0].get("home") == relay.person]

    def scope(self, person, giver=None):
        """Of a relay: all that the people behind it are given. They are given the relay's own entry too."""
        giver = giver or self.hub
        out = super().scope(person, giver)
        for relay in self.relays:
            if relay.person == person:
                for replica in self.behind(giver, relay):
                    out.update(super().scope(giver.row(("replica", replica))[0]["person"], giver))
            elif relay is giver:
                out.update({d: relay.row(d) for d in [("person", relay.person), ("replica", relay.replica)]})
        return out

    def op_pack(self, line):
        super().op_pack(line)
        for b in line["bundles"]:
            relay = self.places.get(b["to"])
            if isinstance(relay, Relay):
                self.bundles[b["id"]]["have"] = [t for r in self.behind(self.hub, relay) for t in self.hub.held_of(r)]

    def op_open(self, line):
        super().op_open(line)
        place = self.places[line["at"]]
        if isinstance(place, Relay) and line["told"] == "opened":
            place.learn(self.bundles[line["bundle"]]["have"])

    # from it to its raters, and back

    def op_relay_pack(self, line):
        relay, wanted = self.places[line["at"]], []
        for name, (person, replica) in self.devices.items():
            if line["person"] not in ("", person) or not relay.gives_to(replica):
                continue
            given, steps = relay.given.setdefault(name, {}), relay.steps.setdefault(name, [])
            new = {d: r for d, r in self.scope(person, relay).items() if d not in given or given[d][1] != r[1]}
            if new:
                given.update(new)
                steps.append(new)
            wanted.append(name)
            self.bundles.update({b["id"]: dict(to=name, base=relay.confirmed.get(name, 0), steps=list(steps),
                                               have=relay.held_of(replica)) for b in line["bundles"] if b["to"] == name})
        self.expect(line, "who gets a bundle", sorted(b["to"] for b in line["bundles"]), sorted(wanted))
        self.expect(line, "the answer", line["told"], "packed" if wanted or not line["person"] else "refused")

    def op_relay_merge(self, line):
        relay, b = self.places[line["at"]], self.bundles[line["bundle"]]
        for commit in b["chain"]:
            if commit not in relay.lines:
                relay.decide(commit, line["clock"] // 10**6 * 10**6)
        relay.retry(line["clock"])
        relay.confirmed[b["device"]] = b["applied"]

    # from it to the hub

    def op_return(self, line):
        relay = self.places[line["at"]]
        if not isinstance(relay, Relay):
            return super().op_return(line)
        owed = relay.owed()
        self.expect(line, "a bundle written", line["bundle"] is not None, bool(owed) or relay.applied != (relay.told or 0))
        if line["bundle"] is not None:
            self.bundles[line["bundle"]] = dict(device=relay.name, chain=owed, applied=relay.applied)
            relay.told = relay.applied

    def op_rebuild(self, line):
        super().op_rebuild(line)
        place = self.places[line["at"]]
        if isinstance(place, Relay):
            place.confirmed, place.waiting, place.held = {}, [], {}

    # what must hold in the end

    def check(self, state):
        c = Comparison()
        for relay in self.relays:
            if relay.exists:
                compare_balance(c, self, relay, state["places"][relay.name])
                compare_people(c, self, relay, state["places"][relay.name]["tables"])
        for name, (person, _) in self.devices.items():
            relay = self.home_of(name)
            if isinstance(relay, Relay):
                compare_given(c, self, self.places[name], relay)
        return super().check(state) + c.found


def compare_balance(c, world, relay, held):
    """What it counts of its raters' edits. Nothing is refused: that is for its hub to say."""
    judged = {d: relay.judge(d, world.forms) for d in relay.docs}
    fates, count, seen = {d: rest for d, *rest in fates_of(relay, judged)}, {}, set()
    for e in (e for commit in relay.commits for e in commit.edits):
        stands, open_, overruled = fates[e.doc]
        mine = count.setdefault(e.replica, dict.fromkeys(FATES, 0))
        mine["exported"] += 1
        mine["equal" if (e.doc, e.name) in seen else "standing" if e.name in stands else "in conflict" if e.name in open_
             else "overruled" if e.name in overruled else "superseded"] += 1
        seen.add((e.doc, e.name))
    c.same(relay.name + ": balance", {b[0]: dict(zip(FATES, b[1:])) for b in held["balance"]}, count)
    c.same(relay.name + ": verdicts", {tuple(r[:3]): r[3] for r in held["tables"]["verdicts"]}, told_verdicts(relay, world))


def compare_people(c, world, relay, tables):
    """Nothing of anybody who is neither behind it nor a lead."""
    mine = {person for name, (person, _) in world.devices.items() if world.home_of(name) is relay}
    leads = {h.person for h in world.hubs}
    strangers = {r[0] for r in tables["people"]} - mine - leads - {relay.person}
    strangers |= {r[1] for r in tables["devices"]} - mine - leads - {relay.person}
    keys = [r[0] for table in ("assignments", "judgments", "answers", "conflicts") for r in tables[table]]
    strangers |= {k.split("|")[1] for k in keys} - mine
    c.same(relay.name + ": strangers", sorted(strangers), [])
    c.same(relay.name + ": strangers' cases", sorted({r[0] for r in tables["cases"]} - {r[0].split("|")[0] for r in tables["assignments"]}), [])


def compare_given(c, world, device, relay):
    """All was delivered: it holds what its hub, not only its relay, has for it."""
    hub = World.home_of(world, relay.name)
    if device.exists:
        for doc, (_, revs) in world.scope(device.person, hub).items():
            if device.material.get(doc, (None, None))[1] != revs:
                c.found.append(f"delivery: {device.name} does not hold {doc} as {hub.name} has it")


def check(log, state):
    return check_world(log, state, RelayWorld())
