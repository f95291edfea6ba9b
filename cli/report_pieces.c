#include <stdlib.h>
#include <string.h>

#include "cli/report.h"
#include "formats/text.h"

void cp_report_drop(struct cp_report *r)
{
	for (size_t i = 0; i < r->n_devices; i++)
		cp_given_drop(&r->devices[i].given);
	free(r->devices);
	free(r->commits.list);
	free(r->texts.list);
}

static enum cp_code remember_commit(struct cp_report *r, const char *oid, struct cp_err *err)
{
	struct cp_report_ids *ids = &r->commits;
	size_t room = ids->room ? 2 * ids->room : 64;
	void *more;

	for (size_t i = 0; i < ids->n; i++)
		if (strcmp(ids->list[i], oid) == 0)
			return CP_OK;
	if (ids->n == ids->room) {
		more = reallocarray(ids->list, room, sizeof *ids->list);
		if (more == NULL)
			return cp_fail(err, CP_EIO, "out of memory");
		ids->list = more;
		ids->room = room;
	}
	snprintf(ids->list[ids->n++], sizeof *ids->list, "%s", oid);
	return CP_OK;
}

enum cp_code cp_report_commit(struct cp_report *r, const char *oid, struct cp_err *err)
{
	if (*oid == '\0') {
		cp_paper_say(&r->paper, "not sealed yet");
		return CP_OK;
	}
	cp_report_short(r, oid);
	return remember_commit(r, oid, err);
}

static enum cp_code remember_text(struct cp_report *r, const struct cp_id *id, struct cp_err *err)
{
	struct cp_report_texts *t = &r->texts;
	struct cp_id *more;

	for (size_t i = 0; i < t->n; i++)
		if (cp_id_equal(&t->list[i], id))
			return CP_OK;
	more = reallocarray(t->list, t->n + 1, sizeof *more);
	if (more == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	t->list = more;
	t->list[t->n++] = *id;
	return CP_OK;
}

enum cp_code cp_report_made_under(struct cp_report *r, bool is_form, const struct cp_id *id, struct cp_err *err)
{
	struct cp_audit_revision v;
	char hex[CP_ID_HEX], anchor[64], text[128];

	if (!cp_id_is_set(id))
		return CP_OK;
	CP_TRY(cp_audit_revision(r->s, is_form, id, &v, NULL, err));
	if (v.name[0] == '\0') {
		cp_paper_say(&r->paper, "one that is not here");
		return CP_OK;
	}
	snprintf(text, sizeof text, "%s %s %lld", v.name, is_form ? "version" : "revision", (long long)v.number);
	if (is_form) {
		cp_paper_say(&r->paper, "%s", text);
		return CP_OK;
	}
	snprintf(anchor, sizeof anchor, "text-%.12s", cp_hex(hex, id->bytes, sizeof id->bytes));
	cp_paper_link(&r->paper, anchor, text);
	return remember_text(r, id, err);
}

enum cp_code cp_report_given(struct cp_report *r, const char *device_hex, const struct cp_given **out, struct cp_err *err)
{
	struct cp_report_device *more;

	for (size_t i = 0; i < r->n_devices; i++)
		if (strcmp(r->devices[i].hex, device_hex) == 0) {
			*out = &r->devices[i].given;
			return CP_OK;
		}
	more = reallocarray(r->devices, r->n_devices + 1, sizeof *more);
	if (more == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	r->devices = more;
	more += r->n_devices;
	snprintf(more->hex, sizeof more->hex, "%s", device_hex);
	CP_TRY(cp_given_load(r->s, device_hex, &more->given, err));
	r->n_devices++;
	*out = &more->given;
	return CP_OK;
}

void cp_report_time(struct cp_report *r, int64_t us)
{
	char when[32]; /* YYYY-MM-DDTHH:MM:SSZ; "-" for what is no time */

	if (us != 0 && strlen(cp_time_text(when, us)) == 20) {
		when[10] = when[19] = '\0';
		cp_paper_whole(&r->paper, when);
		cp_paper_say(&r->paper, " ");
		cp_paper_whole(&r->paper, when + 11);
	} else {
		cp_paper_say(&r->paper, "-");
	}
}

void cp_report_value(struct cp_report *r, const char *value)
{
	if (cp_id_is_plain(value, strlen(value)))
		cp_paper_code(&r->paper, value);
	else
		cp_paper_said(&r->paper, value);
}

void cp_report_short(struct cp_report *r, const char *hex)
{
	char brief[11];

	snprintf(brief, sizeof brief, "%.10s", hex);
	cp_paper_code(&r->paper, brief);
}

void cp_report_cell(struct cp_report *r, const char *text)
{
	cp_paper_cell(&r->paper);
	cp_paper_say(&r->paper, "%s", text);
}

void cp_report_number(struct cp_report *r, int64_t n)
{
	cp_paper_cell(&r->paper);
	cp_paper_say(&r->paper, "%lld", (long long)n);
}

void cp_report_time_cell(struct cp_report *r, int64_t us)
{
	cp_paper_cell(&r->paper);
	cp_report_time(r, us);
}
