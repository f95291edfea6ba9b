/* What a report is about, and what it rests on: the front, and behind the cases the texts, the signatures, the commands. */
#include <string.h>

#include "cli/report.h"
#include "formats/text.h"
#include "sync/repo.h"

#define TEXT_SHOWN ((size_t)24 << 10) /* bytes of a guideline that are printed whole */
#define CHECKED_MAX 200               /* change commits named in the commands */

/* ---- the front ------------------------------------------------------------------------------------ */

static void say_subject(struct cp_report *r)
{
	struct cp_paper *p = &r->paper;

	cp_paper_fact(p, "About");
	if (r->of_case != NULL)
		cp_paper_say(p, "one case, told whole");
	else if (r->rater != NULL)
		cp_paper_say(p, "the work of one rater, %s", r->rater);
	else
		cp_paper_say(p, r->since != NULL || r->until != NULL ? "a period of the project" : "the whole project");
	if (r->since != NULL)
		cp_paper_say(p, ", from %s", r->since);
	if (r->until != NULL)
		cp_paper_say(p, ", to the end of %s", r->until);
	if (r->since != NULL || r->until != NULL)
		cp_paper_say(p, ", by the time of receipt");
	cp_paper_close(p);
}

static void say_workspace(struct cp_report *r)
{
	const struct cp_me *me = cp_store_me(r->s);
	struct cp_paper *p = &r->paper;
	char hex[CP_ID_HEX];

	cp_paper_fact(p, "Project");
	cp_paper_say(p, "%s, id ", me->project_name);
	cp_paper_code(p, cp_hex(hex, me->project.bytes, sizeof me->project.bytes));
	cp_paper_close(p);
	cp_paper_fact(p, "Made from");
	cp_paper_say(p, "the workspace of %s (%s%s), device ", me->pseudonym, cp_role_name(me->role), me->is_hub ? ", a hub" : "");
	cp_paper_code(p, cp_hex(hex, me->replica.bytes, sizeof me->replica.bytes));
	cp_paper_close(p);
}

static enum cp_code say_checkpoint(struct cp_report *r, struct cp_err *err)
{
	struct cp_paper *p = &r->paper;
	struct cp_hash hash;
	char hex[CP_HASH_HEX];

	CP_TRY(cp_store_hash(r->s, &hash, err));
	cp_paper_fact(p, "Checkpoint");
	if (r->main.hex[0] != '\0') {
		cp_paper_say(p, "commit ");
		cp_paper_code(p, r->main.hex);
		cp_paper_say(p, " of main");
	} else {
		cp_paper_say(p, "none: only a hub has the branch main");
	}
	cp_paper_close(p);
	cp_paper_fact(p, "State");
	cp_paper_code(p, cp_hex(hex, hash.bytes, sizeof hash.bytes));
	cp_paper_say(p, ", the canonical hash (casepack status --hash)");
	cp_paper_close(p);
	cp_paper_fact(p, "Made");
	cp_report_time(r, r->made_us);
	cp_paper_say(p, " by casepack %s; all times are UTC", CP_VERSION);
	cp_paper_close(p);
	return CP_OK;
}

static void say_unsealed(struct cp_report *r, int64_t outbox)
{
	if (outbox == 0)
		return;
	cp_paper_note(&r->paper);
	cp_paper_say(&r->paper, "%lld %s saved in this workspace and not sealed into a signed change commit yet: nobody else can check %s.",
			(long long)outbox, outbox == 1 ? "edit is" : "edits are", outbox == 1 ? "it" : "them");
	cp_paper_close(&r->paper);
}

static void say_reading(struct cp_report *r)
{
	struct cp_paper *p = &r->paper;

	cp_paper_para(p);
	cp_paper_say(p, "People stand here under the pseudonyms that history has. %s A change commit is a signed git commit by one device; it is named by "
			"its first ten digits, and by all of them under Signatures. ", r->shows_content ?
			"What cases show is quoted where it is still here." : "What cases show (queries, titles) is left out: cases and results stand under their names in history.");
	cp_paper_say(p, "Claimed is what the clock of the author's device said, received what the clock of the hub said that took it in.");
	cp_paper_close(p);
}

static void say_limits(struct cp_report *r)
{
	static const char *const lines[] = {
		"When something was done is the word of the author's device. Proven are the order on one device, the earliest moment of a change commit "
			"(it names material that had to exist before), and the latest (the receipt by a hub's clock).",
		"A signature shows which device signed, and not who sat at it. A stolen key signs as well as its owner's does, until it is revoked.",
		"Leads decide who is trusted and what stands. Whoever holds a lead's key can write another history: only a main commit, a bundle or a clone "
			"that somebody else kept from earlier shows that. Compare the checkpoint with theirs.",
		"What a device was given is known from the hub's outbound commits. What people saw on other screens, said to each other, or took from "
			"elsewhere is not; nor is work that was never sent.",
		"What a device says that it had applied is its own signed word: it may have had more, and cannot have had what did not exist.",
	};

	cp_paper_heading(&r->paper, 2, "limits", "What this does not prove");
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		cp_paper_item(&r->paper);
		cp_paper_say(&r->paper, "%s", lines[i]);
		cp_paper_close(&r->paper);
	}
}

enum cp_code cp_report_head(struct cp_report *r, struct cp_err *err)
{
	struct cp_status status;

	CP_TRY(cp_status(r->s, &status, err));
	r->main = status.main;
	say_subject(r);
	say_workspace(r);
	CP_TRY(say_checkpoint(r, err));
	say_unsealed(r, status.outbox);
	say_reading(r);
	say_limits(r);
	return CP_OK;
}

/* ---- guidelines ------------------------------------------------------------------------------------- */

static enum cp_code say_difference(struct cp_report *r, const struct cp_audit_revision *v, const struct cp_buf *body, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf now = CP_BUF(CP_TEXT_MAX), diff = CP_BUF(CP_TEXT_MAX);
	struct cp_audit_revision current;
	struct cp_paper *p = &r->paper;

	CP_TRY(cp_audit_revision(r->s, false, &v->current, &current, &now, err));
	CP_TRY(cp_text_diff(&diff, body->data ? body->data : "", body->len, now.data ? now.data : "", now.len, 3, err));
	cp_paper_para(p);
	if (diff.len == 0) {
		cp_paper_say(p, "Revision %lld, which stands now, has the same text.", (long long)current.number);
		cp_paper_close(p);
		return CP_OK;
	}
	cp_paper_say(p, "From this revision to revision %lld (%s, by %s, ", (long long)current.number, current.kind, current.author);
	cp_report_time(r, current.at_us);
	cp_paper_say(p, "), which stands now:");
	cp_paper_close(p);
	cp_paper_text(p, CP_PAPER_DIFF, diff.data, diff.len);
	return CP_OK;
}

static enum cp_code say_text(struct cp_report *r, const struct cp_id *id, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_TEXT_MAX);
	struct cp_audit_revision v;
	struct cp_paper *p = &r->paper;
	char hex[CP_ID_HEX], anchor[64];

	CP_TRY(cp_audit_revision(r->s, false, id, &v, &body, err));
	snprintf(anchor, sizeof anchor, "text-%.12s", cp_hex(hex, id->bytes, sizeof id->bytes));
	cp_paper_heading(p, 3, anchor, "%s revision %lld", v.name, (long long)v.number);
	cp_paper_para(p);
	cp_paper_say(p, "%s, by %s, ", v.kind, v.author);
	cp_report_time(r, v.at_us);
	cp_paper_say(p, ". Its id is the hash of its text and what it was written on: ");
	cp_paper_code(p, hex);
	cp_paper_say(p, ".%s", cp_id_equal(id, &v.current) ? " It stands now." : "");
	cp_paper_close(p);
	if (body.len <= TEXT_SHOWN) {
		cp_paper_text(p, CP_PAPER_PLAIN, body.data ? body.data : "", body.len);
	} else {
		cp_paper_para(p);
		cp_paper_say(p, "Its text has %zu bytes and is left out: ", body.len);
		snprintf(anchor, sizeof anchor, "--rev %lld", (long long)v.number);
		cp_paper_say(p, "casepack guideline show %s %s prints it.", v.name, anchor);
		cp_paper_close(p);
	}
	return cp_id_equal(id, &v.current) ? CP_OK : say_difference(r, &v, &body, err);
}

static enum cp_code say_texts(struct cp_report *r, struct cp_err *err)
{
	if (r->texts.n == 0)
		return CP_OK;
	cp_paper_heading(&r->paper, 2, "texts", "Guidelines");
	cp_paper_para(&r->paper);
	cp_paper_say(&r->paper, "Each revision under which a judgment of this report was made, and what changed in it since.");
	cp_paper_close(&r->paper);
	for (size_t i = 0; i < r->texts.n; i++)
		CP_TRY(say_text(r, &r->texts.list[i], err));
	return CP_OK;
}

/* ---- signatures --------------------------------------------------------------------------------------- */

static const char *signature_words(const struct cp_audit_commit *c)
{
	if (strcmp(c->signature, "good") == 0)
		return "good, by the device's own key";
	if (strcmp(c->signature, "other key") == 0)
		return "RIGHT, BUT BY ANOTHER KEY than the roster has for this device";
	if (strcmp(c->signature, "absent") == 0)
		return "its object is not in this history";
	return strcmp(c->signature, "bad") == 0 ? "BAD" : "NONE";
}

static enum cp_code say_verdict(void *user, const struct cp_audit_verdict *v, struct cp_err *err)
{
	struct cp_report *r = user;

	(void)err;
	cp_paper_say(&r->paper, "%s by %s (", v->verdict, *v->hub ? v->hub : "a hub");
	cp_report_short(r, v->device);
	cp_paper_say(&r->paper, ") ");
	cp_report_time(r, v->received_us);
	if (v->is_far)
		cp_paper_say(&r->paper, ", its clock FAR AHEAD");
	if (*v->reason) {
		cp_paper_say(&r->paper, ": ");
		cp_paper_said(&r->paper, v->reason);
	}
	cp_paper_say(&r->paper, ". ");
	return CP_OK;
}

static enum cp_code say_key_state(struct cp_report *r, const struct cp_audit_commit *c, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf ruling = CP_BUF(CP_TEXT_MAX);

	CP_TRY(cp_audit_ruling(r->s, c->device, &ruling, err));
	cp_paper_cell(&r->paper);
	if (strcmp(c->key_state, "revoked") == 0)
		cp_paper_strong(&r->paper, "revoked since");
	else
		cp_paper_say(&r->paper, "%s", *c->key_state ? c->key_state : "not on the roster");
	if (ruling.len > 0)
		cp_paper_say(&r->paper, "; %s", ruling.data);
	return CP_OK;
}

static enum cp_code say_signature(struct cp_report *r, const char *oid, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf ruling = CP_BUF(CP_TEXT_MAX);
	struct cp_audit_commit c;
	struct cp_paper *p = &r->paper;
	enum cp_code code;

	CP_TRY(cp_audit_commit_load(r->s, oid, &c, err));
	cp_paper_cell(p);
	cp_paper_code(p, c.oid);
	cp_report_cell(r, c.who);
	cp_paper_say(p, " ");
	cp_report_short(r, c.device);
	cp_report_cell(r, signature_words(&c));
	cp_paper_say(p, c.fingerprint[0] ? ": " : "");
	cp_paper_code(p, c.fingerprint);
	code = say_key_state(r, &c, err);
	cp_report_time_cell(r, c.claimed_us);
	cp_paper_cell(p);
	if (code == CP_OK)
		code = cp_audit_verdict_each(r->s, oid, say_verdict, r, err);
	if (code == CP_OK)
		code = cp_audit_ruling(r->s, oid, &ruling, err);
	if (ruling.len > 0)
		cp_paper_say(p, "Ruling: %s", ruling.data);
	cp_audit_commit_drop(&c);
	return code;
}

static enum cp_code say_signatures(struct cp_report *r, struct cp_err *err)
{
	static const char *const columns[] = { "change commit", "who, device", "signature", "key now", "claimed", "verdict of each hub" };

	if (r->commits.n == 0)
		return CP_OK;
	cp_paper_heading(&r->paper, 2, "signatures", "Signatures");
	cp_paper_para(&r->paper);
	cp_paper_say(&r->paper, "Every change commit that this report names, checked when it was made. A verdict is a lead's hub's, and stands on its main.");
	cp_paper_close(&r->paper);
	cp_paper_table(&r->paper, columns, sizeof columns / sizeof *columns);
	for (size_t i = 0; i < r->commits.n; i++)
		CP_TRY(say_signature(r, r->commits.list[i], err));
	cp_paper_table_end(&r->paper);
	return CP_OK;
}

/* ---- how a reader checks it ------------------------------------------------------------------------------ */

static enum cp_code commands(struct cp_report *r, struct cp_buf *out, struct cp_err *err)
{
	size_t n = r->commits.n < CHECKED_MAX ? r->commits.n : CHECKED_MAX;

	CP_TRY(cp_buf_printf(out, err, "git clone \"$HISTORY\" check && cd check\n"
			"git merge-base --is-ancestor %s origin/main && echo main still grows from the checkpoint\n"
			"git checkout --quiet %s\n"
			"git config gpg.ssh.allowedSignersFile trust/allowed_signers\n"
			"git verify-commit %s\n", r->main.hex, r->main.hex, r->main.hex));
	if (n == 0)
		return CP_OK;
	CP_TRY(cp_buf_puts(out, "\n# Each line: the commit, G for a good signature, who signed, who is named. Genuine where G, and both are one.\n"
			"for c in", err));
	for (size_t i = 0; i < n; i++)
		CP_TRY(cp_buf_printf(out, err, " \\\n  %s", r->commits.list[i]));
	CP_TRY(cp_buf_puts(out, "\ndo git log -1 --format='%H %G? %GS %ce' $c; done\n", err));
	return cp_buf_printf(out, err, "\n# One of them without git's own check: ssh-keygen alone, the changeset's hash, and when a hub took it in.\n"
			"c=%s\n"
			"git cat-file commit $c | sed '/^gpgsig /,/^ -----END/d' >payload\n"
			"git cat-file commit $c | sed -n '/^gpgsig /,/^ -----END/{s/^gpgsig //;s/^ //;p;}' >payload.sig\n"
			"ssh-keygen -Y verify -f trust/allowed_signers -I \"$(git log -1 --format=%%ce $c)\" -n git -s payload.sig <payload\n"
			"git log -1 --format=%%B $c | grep Casepack-Changeset\n"
			"git cat-file blob $c:changeset | b2sum -l 256\n"
			"git log -1 --format='taken in by %%cn, %%cI' --grep=\"Change-commit: $c\" origin/main\n\n"
			"# The fingerprint of each device's key:\n"
			"awk '{ print $3, $4, $5 }' trust/allowed_signers | ssh-keygen -lf -\n", r->commits.list[0]);
}

static enum cp_code say_checks(struct cp_report *r, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
	struct cp_paper *p = &r->paper;

	if (r->main.hex[0] == '\0')
		return CP_OK;
	cp_paper_heading(p, 2, "check", "How to check it");
	cp_paper_para(p);
	cp_paper_say(p, "With git (2.34 or newer) and ssh-keygen, without casepack. HISTORY is the address of a hub's history.git, or the file that "
			"casepack export --format git -o FILE wrote there. A refused change commit is in neither. Outbound commits, which say what a device was "
			"given, are in history.git alone.%s", r->commits.n > CHECKED_MAX ? " The first 200 change commits are named here; the others are checked in the same way." : "");
	cp_paper_close(p);
	CP_TRY(commands(r, &text, err));
	cp_paper_text(p, CP_PAPER_COMMANDS, text.data, text.len);
	cp_paper_para(p);
	cp_paper_say(p, "A device whose workspace was copied has the key of what it was copied from, and git names the first line with that key. "
			"Its commits are genuine where the lines of both addresses in trust/allowed_signers name one key. "
			"casepack verify, in a workspace, replays everything.");
	cp_paper_close(p);
	return CP_OK;
}

enum cp_code cp_report_foot(struct cp_report *r, struct cp_err *err)
{
	CP_TRY(say_texts(r, err));
	CP_TRY(say_signatures(r, err));
	return say_checks(r, err);
}
