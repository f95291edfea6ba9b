"""What everybody holds, beside what the naive model says that they must."""
import json

from model_decide import compare_decisions, finals_of
from model_hub import ACCOUNTS, REFUSED, WHOLE, Hub
from model_rules import Document, content_of, key_of, what_it_says, wrote
from model_trust import compare_rulings, compare_trust
from model_world import World


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
    c.same(where + ": devices", sorted([r[0], r[1], r[3]] for r in tables["devices"]),
           sorted([d[1], r["person"], r["state"]] for d, (r, _) in rows.items() if d[0] == "replica"))
    compare_rulings(c, where, tables, names, rows)
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


FATES = ["exported", "standing", "equal", "superseded", "overruled", "in conflict", "quarantined", "waiting"]


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
    left = [(x, "quarantined") for x in hub.refused] + [(x, "waiting") for x in hub.waiting if hub.knows(x.replica)]
    count, exported, seen = {x.replica: dict.fromkeys(FATES, 0) for x in hub.commits + [x for x, _ in left]}, [], set()
    for x, fate in left:
        count[x.replica][fate] += len(x.edits)
        count[x.replica]["exported"] += len(x.edits)
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
        rated[replica] = dict(zip(FATES, [exports, standing, equal, superseded, overruled, in_conflict, quarantined, waiting]))
    c.same(hub.name + ": balance", rated, count)
    compare_trust(c, hub, held)
    c.same(hub.name + ": verdicts", {tuple(r[:3]): r[3] for r in held["tables"]["verdicts"]}, told_verdicts(hub, world))
    c.same(hub.name + ": judgments found", sorted(s[:4] for s in held["stories"] if s[2] in identities), sorted(exported))


def told_verdicts(hub, world):
    """(device, hub, far) -> how many of its change commits."""
    out = {}
    for commit, words in hub.verdicts.items():
        for name, far in words.items():
            key = commit.replica, world.places[name].replica, far if far == REFUSED else int(far)
            out[key] = out.get(key, 0) + 1
    return out


def is_given(world, device):
    """Whoever is revoked is given nothing, and has no way to what was under way to it."""
    row = world.home_of(device).row(("replica", world.devices[device][1]))[0]
    return row.get("state", "active") == "active"


def check(log, state, world=None):
    """What is wrong, one line each; nothing when all is as it must be."""
    world, c = world or World(), Comparison()
    c.found += state["found"]           # what the simulator saw on the way
    world.revs = {rev: tuple(who) for held in state["places"].values() for rev, who in held.get("revs", {}).items()}
    world.contents = state["contents"]
    for line in log:
        world.play(line)
    c.found += [f"told: {w}" for w in world.wrong]
    named = {oid: name for held in state["places"].values() for oid, name in held["tables"]["change commits"]}
    world.names = Names(world, {**world.contents, **named}, state["places"]["hub"]["tables"])
    for name, held in state["places"].items():
        if held["hash"] != held["replayed"]:
            c.found.append(f"replay: {name}: holds {held['hash']:.12}, its history tells {held['replayed']:.400}")
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
        if len(lines) == 1 and is_given(world, name) and lines[0].applied != len(steps.get(name, [])):
            c.found.append(f"delivery: {name} holds {lines[0].applied} of {len(steps[name])} outbound commits")
    c.same("workspaces", sorted(state["places"]), sorted(p.name for p in world.places.values() if p.exists))
    return c.found + world.check(state)
