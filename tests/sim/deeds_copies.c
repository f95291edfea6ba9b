/*
 * What befalls folders where tokens are kept: a backup is put back, alone or with the
 * configuration; a folder is moved; the configuration is lost. deed_copy is with the
 * raters' deeds.
 *
 * A folder that was copied or put back notices at its next opening (world_store), which
 * is then logged as "own id"; whether it had to is the model's to say.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "formats/file.h"
#include "tests/sim/deeds.h"

static struct place *some_device(struct world *w, bool has_backup)
{
	struct place *there[MAX_PLACES];
	size_t n = 0;

	for (int i = 0; i < w->n_places; i++)
		if (!place_is_hub(&w->places[i]) && w->places[i].exists && (!has_backup || w->places[i].backup_device >= 0))
			there[n++] = &w->places[i];
	return n == 0 ? NULL : there[chance_below(&w->chance, n)];
}

/* Where it keeps its token. Copies on one machine share it. */
static const char *config_of(const struct world *w, const struct place *p, const char *folder)
{
	char name[64];

	snprintf(name, sizeof name, "%s/%d", folder, p->home);
	return world_path(w, name);
}

/* Is there a copy of it that nobody has opened yet? */
static bool is_copied(const struct world *w, const struct place *p)
{
	for (int i = 0; i < w->n_places; i++)
		if (!place_is_hub(&w->places[i]) && &w->places[i] != p && w->places[i].device == p->device)
			return true;
	return false;
}

static bool shares_home(const struct world *w, const struct place *p)
{
	for (int i = 0; i < w->n_places; i++)
		if (!place_is_hub(&w->places[i]) && &w->places[i] != p && w->places[i].home == p->home)
			return true;
	return false;
}

static void replace(const struct world *w, const char *from, const char *to)
{
	cp_folder_remove(world_path(w, to));
	world_copy(w, from, to);
}

void deed_backup(struct world *w)
{
	struct place *p = some_device(w, false);
	char kept[64], config[64], kept_config[64];

	if (p == NULL || !w->keeps_tokens)
		return;
	world_store(w, p); /* one that was copied before notices first */
	world_close(w, p);
	snprintf(kept, sizeof kept, "backup/%.40s", p->name);
	snprintf(config, sizeof config, "config/%d", p->home);
	snprintf(kept_config, sizeof kept_config, "backup/config-%d", p->home);
	mkdir(world_path(w, "backup"), 0755);
	replace(w, p->name, kept);
	replace(w, config, kept_config);
	p->backup_device = p->device;
	world_log(w, json_pack("{s:s, s:s}", "op", "backup", "at", p->name));
}

/*
 * The folder alone goes on under an id of its own where it lost something that was sealed. With the configuration it
 * cannot know, and its hub keeps a second line; a configuration that others share is left alone.
 */
void deed_put_back(struct world *w)
{
	struct place *p = some_device(w, true);
	bool is_whole = chance_is(&w->chance, 30);
	char kept[64], config[64], kept_config[64];

	if (p == NULL || !w->keeps_tokens || is_copied(w, p) || (is_whole && shares_home(w, p)) || w->has_mirror || !world_has_room(w))
		return;
	world_close(w, p);
	snprintf(kept, sizeof kept, "backup/%.40s", p->name);
	snprintf(config, sizeof config, "config/%d", p->home);
	snprintf(kept_config, sizeof kept_config, "backup/config-%d", p->home);
	replace(w, kept, p->name);
	if (is_whole)
		replace(w, kept_config, config);
	p->device = p->backup_device;
	if (w->devices[p->device].copies < 2)
		w->devices[p->device].copies = 2; /* its clock is not set back */
	while (world_now(w, p) <= p->latest_us)
		p->skew_us += (int64_t)86400 * 1000000;
	world_log(w, json_pack("{s:s, s:s, s:b}", "op", "put back", "at", p->name, "with configuration", (int)is_whole));
}

/* It is opened where it is now, and what it then calls itself is told. */
static void tell_id(struct world *w, struct place *p, const char *op, const char *folder)
{
	struct cp_store *s = NULL;
	char hex[CP_ID_HEX];

	world_clock(w, p);
	MUST(w, cp_store_open(&s, world_path(w, folder), err));
	world_log(w, json_pack("{s:s, s:s, s:s}", "op", op, "at", p->name, "told",
			cp_hex(hex, cp_store_me(s)->replica.bytes, sizeof cp_store_me(s)->replica.bytes)));
	cp_store_close(s);
}

/* Moved, worked in there, and back. Where nobody has opened it since it was copied that has to come first. */
void deed_move(struct world *w)
{
	struct place *p = some_device(w, false);

	if (p == NULL || !w->keeps_tokens)
		return;
	world_store(w, p);
	world_close(w, p);
	if (rename(world_path(w, p->name), world_path(w, "elsewhere")) != 0)
		abort();
	tell_id(w, p, "moved", "elsewhere");
	if (rename(world_path(w, "elsewhere"), world_path(w, p->name)) != 0)
		abort();
	tell_id(w, p, "moved", p->name);
}

/* The configuration is lost with all tokens in it; the folder is where it was. */
void deed_new_home(struct world *w)
{
	struct place *p = some_device(w, false);

	if (p == NULL || !w->keeps_tokens || shares_home(w, p))
		return;
	world_store(w, p);
	world_close(w, p);
	cp_folder_remove(config_of(w, p, "config"));
	tell_id(w, p, "new home", p->name);
}
