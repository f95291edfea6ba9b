#!/usr/bin/env python3
"""A report as HTML and as Markdown, read by an HTML parser and by cmark-gfm.

    paper.py sound FILE.html          prints what is wrong: tags that do not nest, a script, anything fetched, an id twice, a link
                                      that leads nowhere
    paper.py same FILE.html FILE.md   prints where headings, cells, items, facts and texts of both differ
    paper.py cells FILE HEADING       the rows of the tables under the first heading that begins so, cells joined by tabs
    paper.py text FILE HEADING        all that stands under it, down to the next heading of its level or above
"""
import html.parser
import re
import subprocess
import sys

VOID = {"meta", "br", "hr", "img", "link", "input", "col", "base", "wbr"}
KNOWN = {"html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "h4", "p", "ul", "li", "dl", "dt", "dd", "div", "table",
         "thead", "tbody", "tr", "th", "td", "strong", "code", "pre", "span", "ins", "del", "q", "a", "blockquote"}


class Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.wrong, self.ids, self.links, self.blocks = [], [], [], [], []
        self.row = None

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        if tag not in KNOWN:
            self.wrong.append(f"tag <{tag}>")
        for name, value in attrs:
            if name.startswith("on") or name in ("src", "srcset", "style", "action", "background", "data") or \
                    (name == "href" and not value.startswith("#")):
                self.wrong.append(f"{tag} {name}={value}")
        if "id" in names:
            self.ids.append(names["id"])
        if "href" in names:
            self.links.append(names["href"][1:])
        if tag == "p" and "p" in self.open:
            self.wrong.append("a paragraph in a paragraph")
        if tag in VOID:
            return
        self.open.append(tag)
        if tag in ("h1", "h2", "h3", "h4", "p", "li", "dt", "dd", "pre", "title"):
            self.blocks.append([tag, ""])
        if tag == "tr":
            self.blocks.append(["tr", []])
        if tag in ("td", "th"):
            self.blocks[-1][1].append("")

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.wrong.append(f"</{tag}> where {self.open[-1:]} is open")
        else:
            self.open.pop()
        if "pre" in self.open and tag in ("span", "ins", "del"):
            self.blocks[-1][1] += "\n"

    def handle_data(self, data):
        if "style" in self.open:
            if re.search(r"url\(|@import|expression", data):
                self.wrong.append("the style fetches")
            return
        if not self.blocks:
            return
        if "td" in self.open or "th" in self.open:
            self.blocks[-1][1][-1] += data
        elif self.open and self.open[-1] not in ("tr", "table", "tbody", "thead", "ul", "dl", "div", "main", "body", "html", "blockquote", "head"):
            self.blocks[-1][1] += data

    def handle_comment(self, data):
        self.wrong.append("a comment")


def read(path):
    text = open(path, encoding="utf-8").read()
    if path.endswith(".md"):
        text = subprocess.run(["cmark-gfm", "-e", "table", "-e", "autolink", "-e", "strikethrough", "-e", "tasklist"], input=text,
                              capture_output=True, text=True, check=True).stdout
        for bad in ("<a ", "<img", "<!-- raw HTML omitted -->", "<script", "<em>", "<input"):
            if bad in text:
                print("Markdown that acts:", bad, text[max(0, text.index(bad) - 60):][:160])
    r = Reader()
    r.feed(text)
    r.close()
    return r


def plain(text):
    return re.sub(r"\s+", " ", re.sub("[\u201c\u201d]", "", text)).strip()


def blocks(r):
    """Headings, cells, items, facts, texts, paragraphs, in order; a fact is an item of Markdown's, its name in front."""
    out, name = [], None
    for tag, said in r.blocks:
        if tag == "title" or (tag == "li" and not plain(said)) or (tag == "p" and not plain(said)):
            continue
        if tag == "dt":
            name = plain(said)
        elif tag == "dd":
            out.append(("li", plain(f"{name}: {said}")))
        elif tag == "tr":
            out.append(("tr", tuple(plain(c) for c in said)))
        elif tag == "pre":
            out.append(("pre", "\n".join(line.rstrip() for line in said.strip("\n").split("\n"))))
        else:
            out.append((tag, plain(said)))
    return out


def section(path, heading):
    out, level = [], None
    for tag, said in blocks(read(path)):
        if level is None:
            if tag[0] == "h" and said.startswith(heading):
                level = tag
        elif tag[0] == "h" and tag <= level:
            break
        else:
            out.append((tag, said))
    return out


def main():
    what, path, more = sys.argv[1], sys.argv[2], sys.argv[3:]
    if what == "sound":
        r = read(path)
        wrong = r.wrong + [f"{t} left open" for t in r.open] + [f"id {i} twice" for i in set(r.ids) if r.ids.count(i) > 1] + \
            [f"link to {x}" for x in r.links if x not in r.ids]
        print(*wrong, sep="\n", end="\n" if wrong else "")
    elif what == "same":
        a, b = blocks(read(path)), blocks(read(more[0]))
        if len(a) < 10:
            print("hardly anything was read")
        for x, y in zip(a, b):
            if x != y:
                print(f"HTML {x}\nMarkdown {y}")
                break
        if len(a) != len(b):
            print(len(a), "blocks of HTML,", len(b), "of Markdown")
    elif what == "cells":
        for tag, said in section(path, more[0]):
            if tag == "tr":
                print(*said, sep="\t")
    else:
        for tag, said in section(path, more[0]):
            print(said if isinstance(said, str) else "\t".join(said))


main()
