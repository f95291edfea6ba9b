#include "formats/config.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

static const char *home(void)
{
	const char *path = getenv("HOME");
	const struct passwd *me;

	if (path != NULL && path[0] == '/')
		return path;
	me = getpwuid(getuid());
	return me != NULL && me->pw_dir[0] == '/' ? me->pw_dir : NULL;
}

enum cp_code cp_config_folder(struct cp_buf *out, struct cp_err *err)
{
	const char *config = getenv("XDG_CONFIG_HOME");

	if (config != NULL && config[0] == '/')
		return cp_buf_printf(out, err, "%s/casepack", config);
	if (home() == NULL)
		return cp_fail(err, CP_EIO, "there is no home folder to keep keys in; set HOME");
	return cp_buf_printf(out, err, "%s/.config/casepack", home());
}
