/**
 * @file regd/dispatch.c  What regd answers sipd
 *
 * A REGISTER may come twice, from the bus or from the phone; it is carried out
 * once, and answered as it was.
 */
#include <errno.h>

#include "regd/bindings.h"
#include "regd/regd.h"
#include "regd/register.h"
#include "shared/base/util.h"
#include "shared/catalog/catalog.h"
#include "shared/ipc/bus.h"
#include "shared/reg/asking.h"
#include "shared/svc/svc.h"


/* An asker that is away repeats its question. */
static int reply(struct regd *regd, const Tandem__Header *hdr, uint32_t *codes,
		 size_t codec)
{
	Tandem__RegistersDone done;
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	int err;

	tandem__registers_done__init(&done);
	done.code = codes;
	done.n_code = codec;
	env.body_case = BUS_BODY(REGISTERS_DONE);
	env.registers_done = &done;
	err = bus_reply(svc_bus(regd->svc), hdr, &env);

	return err == EHOSTUNREACH || err == ENOBUFS ? 0 : err;
}


/* Whose rows come next. What is wrong with one is found out in its turn. */
static void look_ahead(const struct regd *regd, const struct catalog *c,
		       const ProtobufCBinaryData *rows, size_t at)
{
	struct terminal terminals[BINDINGS_AHEAD_MAX];
	struct asking asking;
	size_t n = 0;

	while (n < BINDINGS_AHEAD_MAX &&
	       !asking_next(&asking, rows->data, rows->len, &at))
		terminals[n++] = asking.terminal;
	register_look_ahead(regd, c, terminals, n);
}


static int on_registers(void *state, const Tandem__Envelope *env, int tag)
{
	struct regd *regd = state;
	const ProtobufCBinaryData *rows = &env->registers->rows;
	const struct catalog *c = catalog_pin(svc_catalog(regd->svc));
	uint32_t codes[ASKING_ROWS_MAX];
	struct asking asking;
	size_t at = 0, n = 0;
	int err = 0;

	(void)tag;
	while (n < COUNT_OF(codes) && !err) {
		if (n % BINDINGS_AHEAD_MAX == 0)
			look_ahead(regd, c, rows, at);
		err = asking_next(&asking, rows->data, rows->len, &at);
		if (!err)
			codes[n++] =
				c ? register_take(regd, c, &asking,
						  (uint16_t)env->hdr->worker)
				  : 503;
	}
	if (c)
		catalog_unpin(svc_catalog(regd->svc), c);
	if (err != ENOENT && at < rows->len)
		return EBADMSG;

	return reply(regd, env->hdr, codes, n);
}


/* clang-format off */
const struct bus_route regd_routes[] = {
	[BUS_BODY(REGISTERS)] = { PEER_SIPD, on_registers, 0 },
};
/* clang-format on */
const size_t regd_routec = COUNT_OF(regd_routes);
