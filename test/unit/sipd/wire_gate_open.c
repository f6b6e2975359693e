/**
 * @file test/unit/sipd/wire_gate_open.c  A gate that lets everything through
 */
#include "sipd/wire_parts.h"


bool wire_gate_in(struct wire *wire, const struct flow *from, char *data,
		  size_t len, int64_t age_us)
{
	(void)wire;
	(void)from;
	(void)data;
	(void)len;
	(void)age_us;

	return true;
}


void wire_gate_out(struct wire *wire, const struct flow *to, const void *data,
		   size_t len)
{
	(void)wire;
	(void)to;
	(void)data;
	(void)len;
}
