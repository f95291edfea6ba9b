"""What people read of a workspace: outputs of commands, byte for byte. Equal before and after, an alteration is harmless."""
import os
import subprocess

WORDS = ["status", "project", "log --max 1000", "log --refused", "log --waiting", "conflicts --all", "stale --all", "person list",
         "person devices", "quarantine --all", "forget --list", "gold list", "gold report", "guideline list", "guideline log guide",
         "guideline show guide", "form list", "form log relevance", "form show relevance", "form show sides", "rate --list",
         "export --format csv -o -", "export --format jsonl -o -", "export --format qrels --aggregate median --field grade -o -",
         "status --hash"]
# Where a workspace tells what it has noted of what others acknowledged, and of what waits here.
NOTED = {"--json status", "--json log --max 1000", "--json log --waiting", "--json quarantine --all"}
GIT = [["for-each-ref"], ["symbolic-ref", "HEAD"], ["log", "--all", "-p", "--no-textconv", "--format=raw"], ["log", "--stat", "-2"],
       ["ls-tree", "-r", "main"]]


class Reader:
    def __init__(self, casepack, workspace, cases, guidelines):
        self.casepack, self.workspace = casepack, workspace
        self.words = [["--json", *w.split()] for w in WORDS]
        for case in cases:
            self.words += [["--json", "show", case], ["--json", "log", case]]
        self.words += [["guideline", "show", "guide", "--rev", g] for g in guidelines]

    def read(self):
        """Each reading with its status and bytes; JSON says all that the tables for people do."""
        out = {}
        for words in self.words:
            out[" ".join(words)] = self.run(self.casepack, "-C", self.workspace, *words)
        for repo in ("history.git", "private.git"):
            if os.path.isdir(f"{self.workspace}/{repo}"):
                for words in GIT:
                    out[f"git {repo} {' '.join(words)}"] = self.run("git", "-C", f"{self.workspace}/{repo}", *words)
        return out

    @staticmethod
    def run(*words):
        p = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        return p.returncode, p.stdout, p.stderr
