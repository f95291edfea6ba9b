#include "sync/verdict.h"

#include "sync/inner.h"

enum cp_code cp_verdict_put(struct cp_store *s, const char *oid, const struct cp_id *hub, const char *verdict,
		const char *reason, int64_t received_us, bool is_far, struct cp_err *err)
{
	return cp_run(s, err, "INSERT INTO verdicts(oid, hub, verdict, is_far, received_us, reason) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
			" ON CONFLICT DO UPDATE SET verdict = excluded.verdict, is_far = excluded.is_far, received_us = excluded.received_us,"
			" reason = excluded.reason WHERE verdict = 'refused' AND excluded.verdict = 'accepted'", "tdtiit", oid, hub, verdict,
			(int64_t)is_far, received_us, reason);
}
