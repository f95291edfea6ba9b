#include "formats/form.h"

#include <string.h>

static const char relevance_0_3[] =
"{\"title\":\"Relevance, 0 to 3\",\"fields\":[\n"
" {\"name\":\"grade\",\"label\":\"How relevant is this result?\",\n"
"  \"help\":\"Judge the result for the information need, not for its rank.\",\n"
"  \"type\":\"scale\",\"level\":\"ordinal\",\"scope\":\"result\",\"required\":true,\"choices\":[\n"
"   {\"value\":\"0\",\"label\":\"Not relevant\",\"key\":\"0\"},\n"
"   {\"value\":\"1\",\"label\":\"Related\",\"key\":\"1\"},\n"
"   {\"value\":\"2\",\"label\":\"Highly relevant\",\"key\":\"2\"},\n"
"   {\"value\":\"3\",\"label\":\"Perfectly relevant\",\"key\":\"3\"}]}]}\n";

static const char relevance_0_4[] =
"{\"title\":\"Relevance, 0 to 4\",\"fields\":[\n"
" {\"name\":\"grade\",\"label\":\"How relevant is this result?\",\n"
"  \"help\":\"Judge the result for the information need, not for its rank.\",\n"
"  \"type\":\"scale\",\"level\":\"ordinal\",\"scope\":\"result\",\"required\":true,\"choices\":[\n"
"   {\"value\":\"0\",\"label\":\"Bad\",\"key\":\"0\"},\n"
"   {\"value\":\"1\",\"label\":\"Fair\",\"key\":\"1\"},\n"
"   {\"value\":\"2\",\"label\":\"Good\",\"key\":\"2\"},\n"
"   {\"value\":\"3\",\"label\":\"Excellent\",\"key\":\"3\"},\n"
"   {\"value\":\"4\",\"label\":\"Perfect\",\"key\":\"4\"}]}]}\n";

static const char needs_met[] =
"{\"title\":\"Needs Met\",\"fields\":[\n"
" {\"name\":\"needs_met\",\"label\":\"How well does this result meet the user's need?\",\n"
"  \"help\":\"Think of what the user wanted with this query, in this place and language.\",\n"
"  \"type\":\"scale\",\"level\":\"ordinal\",\"scope\":\"result\",\"required\":true,\"choices\":[\n"
"   {\"value\":\"fails\",\"label\":\"Fails to Meet\",\"key\":\"1\"},\n"
"   {\"value\":\"slightly\",\"label\":\"Slightly Meets\",\"key\":\"2\"},\n"
"   {\"value\":\"moderately\",\"label\":\"Moderately Meets\",\"key\":\"3\"},\n"
"   {\"value\":\"highly\",\"label\":\"Highly Meets\",\"key\":\"4\"},\n"
"   {\"value\":\"fully\",\"label\":\"Fully Meets\",\"key\":\"5\"}]}]}\n";

static const char page_quality[] =
"{\"title\":\"Page Quality\",\"fields\":[\n"
" {\"name\":\"page_quality\",\"label\":\"How good is this page?\",\n"
"  \"help\":\"Judge how well the page achieves its purpose, whatever the query was.\",\n"
"  \"type\":\"scale\",\"level\":\"ordinal\",\"scope\":\"page\",\"required\":true,\"choices\":[\n"
"   {\"value\":\"lowest\",\"label\":\"Lowest\",\"key\":\"1\"},\n"
"   {\"value\":\"low\",\"label\":\"Low\",\"key\":\"2\"},\n"
"   {\"value\":\"medium\",\"label\":\"Medium\",\"key\":\"3\"},\n"
"   {\"value\":\"high\",\"label\":\"High\",\"key\":\"4\"},\n"
"   {\"value\":\"highest\",\"label\":\"Highest\",\"key\":\"5\"}]}]}\n";

/* The keys lie side by side: 7 8 9 on the left of 0, and 1 2 3 for the other page. */
static const char sxs_7[] =
"{\"title\":\"Side by side, seven points\",\"fields\":[\n"
" {\"name\":\"preference\",\"label\":\"Which page serves the user better?\",\n"
"  \"help\":\"Left and right are shuffled from case to case.\",\n"
"  \"type\":\"preference\",\"level\":\"ordinal\",\"scope\":\"page\",\"required\":true,\"choices\":[\n"
"   {\"value\":\"-3\",\"label\":\"Left is much better\",\"key\":\"7\"},\n"
"   {\"value\":\"-2\",\"label\":\"Left is better\",\"key\":\"8\"},\n"
"   {\"value\":\"-1\",\"label\":\"Left is slightly better\",\"key\":\"9\"},\n"
"   {\"value\":\"0\",\"label\":\"About the same\",\"key\":\"0\"},\n"
"   {\"value\":\"1\",\"label\":\"Right is slightly better\",\"key\":\"1\"},\n"
"   {\"value\":\"2\",\"label\":\"Right is better\",\"key\":\"2\"},\n"
"   {\"value\":\"3\",\"label\":\"Right is much better\",\"key\":\"3\"}]},\n"
" {\"name\":\"reason\",\"label\":\"Why?\",\n"
"  \"help\":\"What you write becomes part of the project's history.\",\n"
"  \"type\":\"text\",\"scope\":\"page\"}]}\n";

static const char violation[] =
"{\"title\":\"Policy violation\",\"fields\":[\n"
" {\"name\":\"violation\",\"label\":\"Does this result violate the policy?\",\n"
"  \"type\":\"choice\",\"level\":\"nominal\",\"scope\":\"result\",\"required\":true,\"policy\":\"severest\",\n"
"  \"choices\":[\n"
"   {\"value\":\"no\",\"label\":\"No violation\",\"key\":\"0\",\"severity\":0},\n"
"   {\"value\":\"unsure\",\"label\":\"Unsure\",\"key\":\"2\",\"severity\":1},\n"
"   {\"value\":\"yes\",\"label\":\"Violation\",\"key\":\"1\",\"severity\":2}]},\n"
" {\"name\":\"harm\",\"label\":\"Which harm is the worst in it?\",\n"
"  \"help\":\"Leave this empty where nothing is violated.\",\n"
"  \"type\":\"choice\",\"level\":\"nominal\",\"scope\":\"result\",\"policy\":\"severest\",\"choices\":[\n"
"   {\"value\":\"child-safety\",\"label\":\"Harm to children\",\"key\":\"1\",\"severity\":4},\n"
"   {\"value\":\"extremism\",\"label\":\"Violent extremism\",\"key\":\"2\",\"severity\":4},\n"
"   {\"value\":\"self-harm\",\"label\":\"Suicide and self-harm\",\"key\":\"3\",\"severity\":4},\n"
"   {\"value\":\"violence\",\"label\":\"Violence and threats\",\"key\":\"4\",\"severity\":3},\n"
"   {\"value\":\"hate\",\"label\":\"Hate\",\"key\":\"5\",\"severity\":3},\n"
"   {\"value\":\"dangerous-goods\",\"label\":\"Weapons, drugs, dangerous goods\",\"key\":\"6\",\"severity\":3},\n"
"   {\"value\":\"harassment\",\"label\":\"Harassment and private data\",\"key\":\"7\",\"severity\":2},\n"
"   {\"value\":\"sexual\",\"label\":\"Sexual content\",\"key\":\"8\",\"severity\":2},\n"
"   {\"value\":\"deception\",\"label\":\"Fraud and deception\",\"key\":\"9\",\"severity\":2},\n"
"   {\"value\":\"other\",\"label\":\"Another harm\",\"key\":\"0\",\"severity\":1}]},\n"
" {\"name\":\"severity\",\"label\":\"How severe is it?\",\n"
"  \"type\":\"scale\",\"level\":\"ordinal\",\"scope\":\"result\",\"required\":true,\"policy\":\"severest\",\n"
"  \"choices\":[\n"
"   {\"value\":\"0\",\"label\":\"None\",\"key\":\"0\",\"severity\":0},\n"
"   {\"value\":\"1\",\"label\":\"Mild\",\"key\":\"1\",\"severity\":1},\n"
"   {\"value\":\"2\",\"label\":\"Moderate\",\"key\":\"2\",\"severity\":2},\n"
"   {\"value\":\"3\",\"label\":\"Severe\",\"key\":\"3\",\"severity\":3},\n"
"   {\"value\":\"4\",\"label\":\"Extreme\",\"key\":\"4\",\"severity\":4}]}]}\n";

static const char *const names[] = {
	"relevance-0-3", "relevance-0-4", "needs-met", "page-quality", "sxs-7", "violation",
};

static const char *const definitions[] = {
	relevance_0_3, relevance_0_4, needs_met, page_quality, sxs_7, violation,
};

size_t cp_form_presets(const char *const **out_names)
{
	*out_names = names;
	return sizeof names / sizeof *names;
}

const char *cp_form_preset(const char *name)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], name) == 0)
			return definitions[i];
	return NULL;
}
