/*
 * A short text as one zstd frame in memory, with its checksum: how content.db
 * keeps the document of a case.
 */
#ifndef CASEPACK_FORMATS_ZFRAME_H
#define CASEPACK_FORMATS_ZFRAME_H

#include "formats/buf.h"

CP_CHECKED enum cp_code cp_zframe_pack(struct cp_buf *out, const void *bytes, size_t len, struct cp_err *err);
/* Appends exactly expanded bytes. CP_EFORMAT for a frame that is damaged or gives another number. */
CP_CHECKED enum cp_code cp_zframe_unpack(struct cp_buf *out, const void *frame, size_t len, size_t expanded,
		struct cp_err *err);

#endif
