/* Somebody's words in Markdown and in HTML, without any markup of their own. */
#include <ctype.h>
#include <string.h>

#include "formats/paper.h"
#include "formats/text.h"

/* Is it part of a name like active_ms? There it means nothing to Markdown. */
static bool is_within(const char *text, size_t i, size_t len)
{
	return text[i] == '_' && i > 0 && i + 1 < len && isalnum((unsigned char)text[i - 1]) && isalnum((unsigned char)text[i + 1]);
}

/* Links are found in plain text, too: https://..., www.... and ana@example.org. */
static bool is_link(const char *text, size_t i)
{
	if (text[i] == ':')
		return text[i + 1] == '/';
	if (text[i] == '.')
		return i >= 3 && strncasecmp(text + i - 3, "www", 3) == 0;
	return text[i] == '@' && strchr(text + i, '.') != NULL;
}

/* What makes a list, a heading or a rule where a line begins with it; -1 and 2.5 do not. */
static bool begins_block(const char *text, size_t i)
{
	size_t digits = strspn(text, "0123456789");
	bool ends = text[i + 1] == ' ' || text[i + 1] == '\0' || text[i + 1] == text[i];

	if (i == 0 && strchr("-+=", text[i]) != NULL)
		return ends;
	return digits > 0 && i == digits && ends && (text[i] == '.' || text[i] == ')');
}

enum cp_code cp_markdown_words(struct cp_buf *out, const char *text, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf shown = CP_BUF(CP_TEXT_MAX);

	CP_TRY(cp_text_shown(&shown, text, strlen(text), false, err));
	for (size_t i = 0; i < shown.len; i++) {
		bool is_markup = strchr("\\`*_[]<>&|!~#$", shown.data[i]) != NULL || is_link(shown.data, i) || begins_block(shown.data, i);

		if (is_markup && !is_within(shown.data, i, shown.len))
			CP_TRY(cp_buf_puts(out, "\\", err));
		CP_TRY(cp_buf_add(out, shown.data + i, 1, err));
	}
	return CP_OK;
}

enum cp_code cp_html_words(struct cp_buf *out, const char *text, size_t len, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf shown = CP_BUF(CP_TEXT_MAX);

	CP_TRY(cp_text_shown(&shown, text, len, false, err));
	for (size_t i = 0; i < shown.len; i++) {
		static const char special[] = "&<>\"'";
		static const char *const names[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };
		const char *at = strchr(special, shown.data[i]);

		CP_TRY(at != NULL ? cp_buf_puts(out, names[at - special], err) : cp_buf_add(out, shown.data + i, 1, err));
	}
	return CP_OK;
}
