"""history.git and private.git, by whoever has git and ssh-keygen: commits, branches, and what git reads beside objects."""
import os
import re

from kit import run
from table import add, alter
from workspace import ENV, parts, signed, with_parent


def device(ws, name):
    return "replica/" + ws.replica(name)


def restack(ws, repo, branch, commits, onto, key=None):
    """Those commits one on another behind onto; each with the signature that it had, or signed by key."""
    for c in commits:
        onto = repo.write(with_parent(repo.read(c), onto, key))
    repo.move(branch, onto)
    return onto


# ---- a chain of change commits -------------------------------------------------------------------------------

def dropped(key=None):
    def make(ws):
        branch = device(ws, "lead")
        chain = ws.history.chain(branch)
        restack(ws, ws.history, branch, chain[-3:], chain[-5], key and ws.key(key))
        return [{branch, chain[-4][:12], "lead"}]
    return make


add("a-commit-dropped", "found", [], dropped(), second=4)
for who in ("lead", "bea", "anna", "dan"):
    add(f"a-commit-dropped-and-the-rest-signed-by-{who}", "found", [], dropped(who), second=4)


@alter("found", second=4)
def the_last_commit_dropped(ws):
    branch = device(ws, "anna")
    chain = ws.history.chain(branch)
    ws.history.move(branch, chain[-2])
    return [{branch, chain[-1][:12]}]


@alter("found", second=4)
def the_last_commit_of_the_lead_dropped(ws):
    branch = device(ws, "lead")
    chain = ws.history.chain(branch)
    ws.history.move(branch, chain[-2])
    return [{branch, chain[-1][:12]}]


@alter("found", second=4)
def two_commits_swapped(ws):
    branch = device(ws, "anna")
    a, b = ws.history.chain(branch)[-2:]
    end = restack(ws, ws.history, branch, [b, a], ws.history.chain(branch)[-3], ws.key("anna"))
    return [{branch, a[:12], b[:12], end[:12]}]


@alter("told", "1 change commit stands on a device's branch that main has not taken in")
def a_commit_inserted(ws):
    """A second copy of a commit, signed by its own author: a merge that was cut off leaves the same."""
    branch = device(ws, "anna")
    chain = ws.history.chain(branch)
    restack(ws, ws.history, branch, [chain[-1]], chain[-1], ws.key("anna"))


@alter("found", second=4)
def a_commit_inserted_by_another(ws):
    branch = device(ws, "anna")
    chain = ws.history.chain(branch)
    end = restack(ws, ws.history, branch, [chain[-1]], chain[-1], ws.key("lead"))
    return [{branch, end[:12]}]


def resigned(branch_of, key):
    """The tip, with the same words, signed by somebody else."""
    def make(ws):
        branch = device(ws, branch_of)
        tip = ws.history.tip(branch)
        new = ws.history.write(signed(*parts(ws.history.read(tip)), ws.key(key)))
        ws.history.move(branch, new)
        return [{branch, new[:12], tip[:12]}]
    return make


for who in ("bea", "ben", "dan", "lead"):
    add(f"a-commit-of-anna-signed-by-{who}", "found", [], resigned("anna", who), second=4)


@alter("found", second=4)
def a_commit_signed_by_nobody_on_the_roster(ws):
    if not os.path.exists(f"{ws.folder}/stranger"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{ws.folder}/stranger")
    branch = device(ws, "anna")
    tip = ws.history.tip(branch)
    new = ws.history.write(signed(*parts(ws.history.read(tip)), ws.folder + "/stranger"))
    ws.history.move(branch, new)
    return [{branch, new[:12], tip[:12]}]


@alter("found", second=4)
def a_commit_not_signed(ws):
    branch = device(ws, "anna")
    tip = ws.history.tip(branch)
    lines, body = parts(ws.history.read(tip))
    new = ws.history.write(b"\n".join(lines) + b"\n\n" + body)
    ws.history.move(branch, new)
    return [{branch, new[:12], tip[:12]}]


@alter("found", second=4)
def a_changeset_replaced(ws):
    """The tree of another commit, the signature of this one."""
    branch = device(ws, "anna")
    chain = ws.history.chain(branch)
    other = ws.history.say("rev-parse", chain[-2] + "^{tree}")
    tip = ws.history.read(chain[-1])
    new = ws.history.write(re.sub(rb"^tree [0-9a-f]{40}", b"tree " + other.encode(), tip, count=1))
    ws.history.move(branch, new)
    return [{branch, new[:12], chain[-1][:12]}]


@alter("found", second=4)
def a_commit_of_the_lead_back_dated(ws):
    """The guideline's last revision, a day earlier, signed by the lead's own key; main still names the one before."""
    branch = device(ws, "lead")
    chain = ws.history.chain(branch)
    at = next(i for i in reversed(range(len(chain))) if b"guide" in parts(ws.history.read(chain[i]))[1].split(b"\n")[0])
    lines, body = parts(ws.history.read(chain[at]))
    earlier = lambda m: m[1] + str(int(m[2]) - 86400).encode() + m[3]
    lines = [re.sub(rb"^((?:author|committer) .* )(\d+)( \+0000)$", earlier, x) for x in lines]
    body = re.sub(rb"^(Casepack-Clock: )(\d+)()$", lambda m: m[1] + str(int(m[2]) - 86400000000).encode(), body, flags=re.M)
    new = ws.history.write(signed(lines, body, ws.key("lead")))
    restack(ws, ws.history, branch, chain[at + 1:], new, ws.key("lead"))
    return [{branch, new[:12], chain[at][:12]}]


# ---- main -------------------------------------------------------------------------------------------------------

def on_main(change, key="lead"):
    """A commit on main with a changed tree, over the last one, or in its place."""
    def make(ws):
        r = ws.history
        tip = r.tip("main")
        index = {"GIT_INDEX_FILE": f"{r.path}/index.altered"}
        ENV.update(index)
        try:
            r.git("read-tree", "main")
            places = change(ws, r)
            tree = r.say("write-tree")
        finally:
            del ENV["GIT_INDEX_FILE"]
            os.remove(f"{r.path}/index.altered")
        lines, body = parts(r.read(tip))
        lines[0] = b"tree " + tree.encode()
        new = r.write(signed(lines, body, ws.key(key)))
        r.move("main", new)
        return places if isinstance(places, list) else [{places, new[:12], tip[:12], "main"}]
    return make


def page(pattern, change):
    """The first page whose name fits, changed as text."""
    def edit(ws, r):
        name = next(n for n in r.say("ls-tree", "-r", "--name-only", "main").split("\n") if re.search(pattern, n) and
                    change(r.git("show", f"main:{n}").decode()) != r.git("show", f"main:{n}").decode())
        blob = r.write(change(r.git("show", f"main:{name}").decode()).encode(), "blob")
        r.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}")
        return [name]
    return edit


PAGES = {
    "a-verdict-page-altered": ("^verdicts/", lambda t: t.replace("accepted", "refused", 1)),
    "a-judgment-page-altered": ("^judgments/", lambda t: re.sub(r"\t1$", "\t3", t, count=1, flags=re.M)),
    "a-guideline-page-altered": ("^guidelines/", lambda t: t.replace("Judge", "Do not judge", 1)),
    "a-form-page-altered": ("^forms/", lambda t: t.replace("title", "name", 1)),
    "an-allowed-signer-altered": ("^trust/allowed_signers$", lambda t: t[t.index("\n") + 1:]),
    "two-allowed-signers-exchanged": ("^trust/allowed_signers$", lambda t: exchanged(t)),
    "a-person-altered-on-a-page": ("^trust/persons.tsv$", lambda t: t.replace("revoked", "active", 1)),
    "a-ruling-altered-on-a-page": ("^trust/rulings.tsv$", lambda t: t.replace("stolen", "lost", 1)),
    "an-adjudication-page-altered": ("^adjudications/", lambda t: t.replace("section 3", "section 4", 1)),
    "a-settlement-page-altered": ("^settlements/", lambda t: t.replace("hers", "his", 1)),
    "a-conflict-page-altered": ("^conflicts/", lambda t: t.replace("settled", "open", 1)),
    "an-assignment-page-altered": ("^assignments/", lambda t: t.replace("withdrawn", "given", 1)),
    "a-case-page-altered": ("^cases/", lambda t: t.replace("en-US", "fr", 1)),
    "a-project-page-altered": ("^project.json$", lambda t: t.replace("Chorus", "Choir", 1)),
    "the-attributes-altered": ("^.gitattributes$", lambda t: t + "* binary\n"),
}


def exchanged(lines):
    a, b, *rest = lines.split("\n")
    (x, *xs), (y, *ys) = a.split(" "), b.split(" ")
    return "\n".join([" ".join([y, *xs]), " ".join([x, *ys]), *rest])


for page_name, (fits, edit) in PAGES.items():
    add(page_name, "found", [], on_main(page(fits, edit)), second=4)


@alter("found", second=4)
def a_page_added(ws):
    def change(ws, r):
        r.git("update-index", "--add", "--cacheinfo", f"100644,{r.write(b'lie', 'blob')},judgments/00/lie.tsv")
        return ["judgments/00/lie.tsv"]
    return on_main(change)(ws)


@alter("found", second=4)
def a_page_removed(ws):
    def change(ws, r):
        name = r.say("ls-tree", "-r", "--name-only", "main", "adjudications/").split("\n")[0]
        r.git("update-index", "--index-info", data=f"0 {'0' * 40}\t{name}\n".encode())
        return [name]
    return on_main(change)(ws)


def main_words(pattern, to):
    def make(ws):
        r = ws.history
        for c in reversed(r.chain("main")):
            lines, body = parts(r.read(c))
            if re.search(pattern, body, flags=re.M):
                break
        new = r.write(signed(lines, re.sub(pattern, to, body, count=1, flags=re.M), ws.key("lead")))
        chain = r.chain("main")
        restack(ws, r, "main", chain[chain.index(c) + 1:], new, ws.key("lead"))
        return [{new[:12], c[:12], "main"}]
    return make


add("a-verdict-altered-on-main", "found", [], main_words(rb"^(Change-commit: \S+) accepted ", rb"\1 refused "), second=4)
add("a-refusal-altered-on-main", "found", [], main_words(rb"^(Change-commit: \S+) refused ", rb"\1 accepted "), second=4)
add("a-count-of-edits-altered-on-main", "found", [], main_words(rb"^(Change-commit: \S+ accepted) \d+$", rb"\1 99"), second=4)
add("a-change-commit-taken-from-main", "found", [], main_words(rb"^Change-commit: .*\n", b""), second=4)
add("a-branch-altered-on-main", "found", [], main_words(rb"^Branch: .*$", b"Branch: replica/" + b"0" * 32), second=4)


@alter("found", second=4)
def main_received_another_day(ws):
    r = ws.history
    tip = r.tip("main")
    lines, body = parts(r.read(tip))
    lines = [re.sub(rb"^(committer .* )(\d+)( \+0000)$", lambda m: m[1] + str(int(m[2]) - 86400).encode() + m[3], x) for x in lines]
    new = r.write(signed(lines, body, ws.key("lead")))
    r.move("main", new)
    return [{new[:12], tip[:12], "main"}]


@alter("found", second=4)
def main_signed_by_a_rater(ws):
    tip = ws.history.tip("main")
    new = ws.history.write(signed(*parts(ws.history.read(tip)), ws.key("anna")))
    ws.history.move("main", new)
    return [{new[:12], "main"}]


@alter("found", "main")
def main_moved_back(ws):
    ws.history.move("main", ws.history.chain("main")[-2])


@alter("found", "main")
def main_deleted(ws):
    ws.history.git("update-ref", "-d", "refs/heads/main")


# ---- branches -----------------------------------------------------------------------------------------------------

def moved(branch_of, to):
    def make(ws):
        branch, oid = branch_of(ws), to(ws)
        ws.history.move(branch, oid)
        return [{branch, oid[:12]}]
    return make


def outbound(ws, name):
    return "outbound/" + ws.replica(name)


def hub_branch(ws):
    return "hub/" + ws.replica("bea")


anna, ben = (lambda ws: device(ws, "anna")), (lambda ws: device(ws, "ben"))
add("a-branch-moved-to-another-device", "found", [], moved(anna, lambda ws: ws.history.tip(device(ws, "ben"))), second=4)
add("a-branch-moved-to-main", "found", [], moved(anna, lambda ws: ws.history.tip("main")), second=4)
add("an-outbound-branch-moved-back", "found", [],
    moved(lambda ws: outbound(ws, "anna"), lambda ws: ws.history.chain(outbound(ws, "anna"))[-2]))
add("an-outbound-branch-moved-to-another-device", "found", [],
    moved(lambda ws: outbound(ws, "anna"), lambda ws: ws.history.tip(outbound(ws, "ben"))), second=4)
add("a-hub-branch-moved-back", "found", [], moved(hub_branch, lambda ws: ws.history.chain(hub_branch(ws))[-2]))
add("a-hub-branch-moved-to-main", "found", [], moved(hub_branch, lambda ws: ws.history.tip("main")))


def gone(branch_of):
    def make(ws):
        branch = branch_of(ws)
        ws.history.git("update-ref", "-d", "refs/heads/" + branch)
        return [branch]
    return make


add("a-branch-deleted", "found", [], gone(anna), second=4)
add("the-lead-branch-deleted", "found", [], gone(lambda ws: device(ws, "lead")), second=4)
add("an-outbound-branch-deleted", "found", [], gone(lambda ws: outbound(ws, "anna")))
add("a-hub-branch-deleted", "found", [], gone(hub_branch))


def ref(name, to=None):
    def make(ws):
        ws.history.git("update-ref", name, to(ws) if to else ws.history.tip("main"))
    return make


# What git shows to whoever reads, and no branch of casepack's.
add("a-stray-branch", "found", ["judgments-of-anna"], ref("refs/heads/judgments-of-anna"), second=4)
add("a-stray-device", "found", ["replica/" + "0" * 32], ref("refs/heads/replica/" + "0" * 32), second=4)
add("a-second-line-of-a-device", "found", [".2"], lambda ws: ref("refs/heads/" + anna(ws) + ".2", lambda ws: ws.history.chain(anna(ws))[-2])(ws))
add("a-tag", "found", ["refs/tags/v1"], ref("refs/tags/v1"), second=4)
add("a-hidden-ref", "found", ["refs/lie/1"], ref("refs/lie/1"), second=4)
add("notes", "found", ["refs/notes/commits"],
    lambda ws: ws.history.git("-c", "user.name=x", "-c", "user.email=x", "notes", "add", "-m", "not hers", ws.history.tip(anna(ws))), second=4)


@alter("found", "refs/replace/", second=4)
def a_replace_ref(ws):
    """git shows another commit in its place."""
    chain = ws.history.chain(anna(ws))
    ws.history.git("update-ref", f"refs/replace/{chain[-1]}", ws.history.tip(ben(ws)))


@alter("found", "refs/replace/", second=4)
def a_replaced_page(ws):
    blob = ws.history.say("rev-parse", "main:guidelines/guide.md")
    ws.history.git("update-ref", f"refs/replace/{blob}", ws.history.write(b"# Guide\n\nSleep.\n", "blob"))


def beside(name, content):
    def make(ws):
        ws.write("history.git/" + name, content(ws) if callable(content) else content)
        if name.startswith("hooks/"):
            os.chmod(ws.file("history.git/" + name), 0o755)
    return make


add("grafts", "found", ["info/grafts"], beside("info/grafts", lambda ws: ws.history.tip(anna(ws)) + "\n"), second=4)
add("a-shallow-end", "found", ["shallow"], beside("shallow", lambda ws: ws.history.tip("main") + "\n"), second=1)
add("attributes-of-the-repository", "either", ["info/attributes"], beside("info/attributes", "* -diff\n"))
add("a-hook", "found", ["hooks/post-update"], beside("hooks/post-update", "#!/bin/sh\ntouch /tmp/hooked\n"))


@alter("found", "alternates")
def objects_from_elsewhere(ws):
    """All that is left here is a path; what stands there may change."""
    ws.history.git("gc", "-q", "--prune=now")
    ws.write("history.git/objects/info/alternates", f"{ws.folder}/bea/history.git/objects\n")


CONFIG = {"a-pager": "[core]\n\tpager = touch /tmp/paged\n", "a-filter": '[filter "x"]\n\tsmudge = touch /tmp/smudged\n',
          "a-monitor": "[core]\n\tfsmonitor = touch /tmp/watched\n", "an-alias": '[alias]\n\tlog = "!echo all is well"\n',
          "another-diff": '[diff "casepack"]\n\tcommand = echo all is well\n',
          "another-textconv": '[diff "casepack"]\n\ttextconv = echo all is well\n', "hooks-elsewhere": "[core]\n\thooksPath = /tmp\n",
          "an-include": "[include]\n\tpath = /tmp/more\n", "a-work-tree": "[core]\n\tworktree = /tmp\n",
          "hidden-refs": "[transfer]\n\thideRefs = refs/heads/replica\n", "another-format": "[core]\n\trepositoryformatversion = 9\n"}
for config_name, lines_of in CONFIG.items():
    add(f"config-with-{config_name}", "found", [{"config"}],
        lambda ws, t=lines_of: ws.write("history.git/config", ws.read("history.git/config") + t.encode()))


@alter("either", "HEAD")
def another_head(ws):
    ws.history.git("symbolic-ref", "HEAD", "refs/heads/" + anna(ws))


@alter("found", "HEAD")
def a_head_that_is_no_branch(ws):
    ws.write("history.git/HEAD", ws.history.chain("main")[-2] + "\n")


# ---- objects ------------------------------------------------------------------------------------------------------

add("a-loose-object-added", "either", [],
    lambda ws: [{ws.history.write(b"Anna Sorensen judged q1 in a hurry", "blob")[:12], "history.git"}])
add("a-private-name-in-an-object", "found", [{"history.git"}],
    lambda ws: ws.history.write(b'{"contact":"","name":"Anna Sorensen"}', "blob") and None)


@alter("found", "history.git")
def private_commits_in_history(ws):
    ws.history.git("-c", "gc.auto=0", "-c", "maintenance.auto=false", "fetch", "-q", ws.file("private.git"), "refs/heads/refused:refs/heads/refused")


@alter("found")
def an_object_taken_away(ws):
    ws.history.loose()
    blob = ws.history.say("rev-parse", anna(ws) + ":changeset")
    os.remove(ws.file(f"history.git/objects/{blob[:2]}/{blob[2:]}"))
    return [{blob[:12], ws.history.tip(anna(ws))[:12], anna(ws)}]


@alter("found")
def an_object_replaced_by_another(ws):
    """A loose file under another one's name."""
    ws.history.loose()
    a, b = (ws.history.say("rev-parse", f"{d}:changeset") for d in (anna(ws), ben(ws)))
    ws.write(f"history.git/objects/{a[:2]}/{a[2:]}", ws.read(f"history.git/objects/{b[:2]}/{b[2:]}"))
    return [{a[:12], ws.history.tip(anna(ws))[:12], anna(ws)}]


@alter("found")
def a_pack_taken_away(ws):
    pack = ws.history.packs()[0]
    oids = ws.history.objects(pack)
    os.remove(pack)
    os.remove(pack[:-5] + ".idx")
    return [{o[:12] for o in oids} | {"history.git"}]


@alter("found")
def an_index_of_another_pack(ws):
    a, b = ws.history.packs()[:2]
    with open(b[:-5] + ".idx", "rb") as f:
        data = f.read()
    ws.write(a[len(ws.path) + 1:-5] + ".idx", data)
    return [{os.path.basename(a)[:17], "history.git"}]


add("garbage-collected", "honest", [], lambda ws: ws.history.git("gc", "-q", "--prune=now") and None, second=0)
add("branches-packed", "honest", [], lambda ws: ws.history.git("pack-refs", "--all") and None, second=0)
add("objects-loose", "honest", [], lambda ws: ws.history.loose(), second=0)
add("packed-anew", "honest", [], lambda ws: ws.history.git("repack", "-a", "-d", "-q") and None, second=0)
add("untouched", "honest", [], lambda ws: None, second=0)
for other_one in ("bea", "acme", "anna", "anna2", "ben", "cem", "dan", "earlier"):
    add(f"untouched-{other_one}", "honest", [], lambda ws: None, at=other_one)


# ---- private.git --------------------------------------------------------------------------------------------------

@alter("found", "refused")
def the_refused_branch_deleted(ws):
    ws.private.git("update-ref", "-d", "refs/heads/refused")


@alter("found")
def a_refused_commit_altered(ws):
    r = ws.private
    name = r.say("ls-tree", "-r", "--name-only", "refused").split("\n")[0]
    text = r.git("show", f"refused:{name}").replace(b'"reason": "', b'"reason": "not that ')
    sub, leaf = name.split("/")[1:]
    inner = r.say_with(f"100644 blob {r.write(text, 'blob')}\t{leaf}\n".encode(), "mktree")
    middle = r.say_with(f"040000 tree {inner}\t{sub}\n".encode(), "mktree")
    tree = r.say_with(f"040000 tree {middle}\trefused\n".encode(), "mktree")
    lines, body = parts(r.read(r.tip("refused")))
    lines[0] = b"tree " + tree.encode()
    new = r.write(signed(lines, body, ws.key("lead")))
    r.move("refused", new)
    return [{name[11:23], new[:12], "refused"}]


@alter("found")
def a_private_commit_dropped(ws):
    branch = device(ws, "lead")
    ws.private.move(branch, ws.private.chain(branch)[-2])
    return [{branch, "private.git"}]


@alter("found")
def the_private_branch_deleted(ws):
    branch = device(ws, "lead")
    ws.private.git("update-ref", "-d", "refs/heads/" + branch)
    return [{branch, "private.git"}]


add("a-stray-private-branch", "found", ["stray"], lambda ws: ws.private.git("update-ref", "refs/heads/stray", ws.private.tip("refused")) and None)


# ---- a rater's device -----------------------------------------------------------------------------------------------

@alter("found", at="anna")
def a_rater_branch_moved_back(ws):
    branch = device(ws, "anna")
    ws.history.move(branch, ws.history.chain(branch)[-2])
    return [branch]


@alter("found", at="anna")
def what_a_rater_was_given_moved_back(ws):
    branch = outbound(ws, "anna")
    ws.history.move(branch, ws.history.chain(branch)[-2])
    return [branch]


@alter("found", at="anna")
def what_a_rater_was_given_signed_by_herself(ws):
    branch = outbound(ws, "anna")
    new = ws.history.write(signed(*parts(ws.history.read(ws.history.tip(branch))), ws.key("anna")))
    ws.history.move(branch, new)
    return [{branch, new[:12]}]


@alter("found", at="anna")
def a_rater_commit_dropped_and_signed_anew(ws):
    branch = device(ws, "anna")
    chain = ws.history.chain(branch)
    new = restack(ws, ws.history, branch, chain[-1:], chain[-3], ws.key("anna"))
    return [{branch, new[:12], chain[-2][:12]}]
