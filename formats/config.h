/*
 * Where this user's own things are that stand in no workspace: keys, and a token
 * for each workspace. $XDG_CONFIG_HOME/casepack, or ~/.config/casepack.
 */
#ifndef CASEPACK_FORMATS_CONFIG_H
#define CASEPACK_FORMATS_CONFIG_H

#include "formats/buf.h"

/* Append that folder's path; it may not be there yet. CP_EIO when there is no home. */
CP_CHECKED enum cp_code cp_config_folder(struct cp_buf *out, struct cp_err *err);

#endif
