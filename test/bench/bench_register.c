/**
 * @file test/bench/bench_register.c  What a registration costs without the
 * kernel
 *
 * Phones register with digest, two requests each, at sipd alone (call_rig),
 * and what it asks of regd is answered by regd's own code. For a profiler:
 * valgrind --tool=callgrind bench_register 2000
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "regd/bindings.h"
#include "regd/regd.h"
#include "regd/register.h"
#include "shared/auth/authn.h"
#include "shared/auth/digest.h"
#include "shared/auth/secret.h"
#include "shared/base/log.h"
#include "shared/base/util.h"
#include "shared/reg/asking.h"
#include "shared/reg/binding_index.h"
#include "sipd/register.h"
#include "sipd/sipd.h"
#include "test/unit/sipd/call_rig.h"
#include "test/unit/sipd/route_rig.h"
#include "test/unit/sipd/segment_rig.h"

enum {
	PHONES = 256,
	AT_ONCE = 16, /**< Of one turn */
	FIELDS_MAX = 256,
	SLOTC = 2 * PHONES,
	FIRST = 7000,
};

#define REALM "192.0.2.100"
#define HOST  "sip:" REALM

struct bench {
	struct route_rig catalog;
	struct call_rig rig;
	struct segment_rig bindings, index, suspended;
	struct regd regd;
	struct route_row rows[PHONES + 1];
	char fields[PHONES][FIELDS_MAX];
	uint8_t asked[ASKING_BYTES_MAX];
	size_t askedl; /**< 0: nothing is asked */
	struct bus_request request;
	unsigned accepted;
};


static void open_segment(struct segment_rig *rig, const char *what,
			 uint32_t magic, uint32_t version, uint32_t size,
			 uint32_t slotc)
{
	const struct segment_layout layout = { .magic = magic,
					       .version = version,
					       .slot_size = size,
					       .slotc = slotc };

	segment_rig_open(rig, what, &layout);
}


static int open_catalog(struct bench *b)
{
	static const struct route_param none[] = {
		{ SS_SIP_AUTHENTICATION_ALGORITHM, "MD5" },
	};
	const char *const realms[] = { REALM };

	b->rows[PHONES] = (struct route_row){ RECORD_ACCOUNT, 1, "name=a" };
	for (unsigned i = 0; i < PHONES; i++) {
		char number[16], *ha1;

		(void)snprintf(number, sizeof(number), "%u", FIRST + i);
		if (secret_ha1(&ha1, number, "secret", realms, 1))
			return ENOMEM;
		(void)snprintf(b->fields[i], FIELDS_MAX,
			       "number=%s|account=1|ha1=%s", number, ha1);
		free(ha1);
		b->rows[i] = (struct route_row){ RECORD_PHONE, i + 1,
						 b->fields[i] };
	}

	return route_rig_open(&b->catalog, "bench", b->rows, PHONES + 1, none,
			      COUNT_OF(none));
}


static int open_sipd(struct bench *b)
{
	struct sipd *sipd = b->rig.sipd;
	const struct authn_args args = {
		.nonce_key = "key",
		.own = &b->suspended.segment,
		.slotc = SLOTC,
	};
	int err = authn_alloc(&sipd->authn, &args);

	if (!err)
		err = registrar_alloc(&sipd->registrar, sipd);
	sipd->bindings = (struct binding_reader){ &b->bindings.view,
						  &b->index.view };

	return err;
}


/* What regd is asked is kept until the turn is over. */
static void on_registers(struct call_rig *rig,
			 const struct bus_request *request,
			 const Tandem__Envelope *env)
{
	struct bench *b = CONTAINER_OF(rig, struct bench, rig);
	const ProtobufCBinaryData *rows = &env->registers->rows;

	memcpy(b->asked, rows->data, rows->len);
	b->askedl = rows->len;
	b->request = *request;
}


static int open_all(struct bench *b)
{
	int err = open_catalog(b);

	if (err)
		return err;
	open_segment(&b->bindings, "bindings", BINDINGS_MAGIC,
		     BINDINGS_VERSION, BINDINGS_SLOT_SIZE, SLOTC);
	open_segment(&b->index, "index", BINDING_INDEX_MAGIC,
		     BINDING_INDEX_VERSION, BINDING_INDEX_SLOT_SIZE,
		     (SLOTC / 16 + 2) * BINDING_INDEX_SLOTS);
	open_segment(&b->suspended, "suspended", SUSPENDED_MAGIC,
		     SUSPENDED_VERSION, SUSPENDED_SLOT_SIZE, SLOTC);
	err = call_rig_open(&b->rig, b->catalog.rig.reader);
	if (!err)
		err = open_sipd(b);
	if (!err) {
		const struct bindings_args args = {
			.bindings = &b->bindings.segment,
			.index = &b->index.segment,
		};

		b->rig.registersh = on_registers;
		b->regd.svc = b->rig.sipd->svc;
		err = bindings_alloc(&b->regd.bindings, &args);
	}

	return err;
}


static void close_all(struct bench *b)
{
	struct sipd *sipd = b->rig.sipd;

	sipd->registrar = registrar_free(sipd->registrar);
	sipd->authn = authn_free(sipd->authn);
	bindings_free(b->regd.bindings);
	call_rig_close(&b->rig);
	segment_rig_close(&b->bindings);
	segment_rig_close(&b->index);
	segment_rig_close(&b->suspended);
	route_rig_close(&b->catalog);
}


/* --- a phone -------------------------------------------------------------- */

static void ask(struct bench *b, unsigned n, unsigned cseq,
		const char *credentials)
{
	const unsigned number = FIRST + n % PHONES;
	char from[32];

	(void)snprintf(from, sizeof(from), "127.250.%u.%u:%u",
		       n % PHONES / 250, n % PHONES % 250 + 1,
		       20000 + n % PHONES);
	call_rig_receive(
		&b->rig, from,
		"REGISTER " HOST " SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 10.0.0.1:5060;rport;branch="
		"z9hG4bK-many-%u-%u-%u\r\n"
		"From: <sip:%u@" REALM ">;tag=f\r\n"
		"To: <sip:%u@" REALM ">\r\n"
		"Call-ID: many-%u-7f0011223344\r\n"
		"CSeq: %u REGISTER\r\nMax-Forwards: 70\r\n"
		"Contact: <sip:%u@10.0.0.%u:5060>\r\nUser-Agent: phone\r\n"
		"Expires: 3600\r\n%sContent-Length: 0\r\n\r\n",
		number, n, cseq, number, number, number, cseq, number,
		n % PHONES % 250 + 1, credentials);
}


/* Of the challenge that was sent last; false: it was none */
static bool take_nonce(const struct bench *b, char nonce[NONCE_SIZE])
{
	const char *at;
	size_t l;

	if (!b->rig.sentc)
		return false;
	at = strstr(b->rig.sent[b->rig.sentc - 1].data, "nonce=\"");
	if (!at)
		return false;
	at += strlen("nonce=\"");
	l = strcspn(at, "\"");

	return text_copy(nonce, NONCE_SIZE, (struct text){ at, l }) == 0;
}


static void register_one(struct bench *b, unsigned n)
{
	char nonce[NONCE_SIZE], response[DIGEST_HEX_SIZE], number[16];
	char credentials[512];
	uint8_t ha1[DIGEST_HA1_MAX];

	ask(b, n, 2 * n + 1, "");
	if (!take_nonce(b, nonce))
		return;
	(void)snprintf(number, sizeof(number), "%u", FIRST + n % PHONES);
	digest_ha1(ha1, DIGEST_MD5, text_of(number), text_of(REALM),
		   text_of("secret"));
	digest_response(response, DIGEST_MD5, ha1, text_of(nonce),
			text_of("00000001"), text_of("c"), text_of("auth"),
			text_of("REGISTER"), text_of(HOST));
	(void)snprintf(credentials, sizeof(credentials),
		       "Authorization: Digest username=\"%s\", realm=\"" REALM
		       "\", nonce=\"%s\", uri=\"" HOST "\", response=\"%s\", "
		       "algorithm=MD5, qop=auth, nc=00000001, cnonce=\"c\"\r\n",
		       number, nonce, response);
	ask(b, n, 2 * n + 2, credentials);
}


/* As regd does it */
static void answer(struct bench *b)
{
	const struct catalog *c = catalog_pin(b->catalog.rig.reader);
	uint32_t codes[ASKING_ROWS_MAX];
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__RegistersDone done;
	struct asking asking;
	size_t at = 0, n = 0;

	while (n < COUNT_OF(codes) &&
	       !asking_next(&asking, b->asked, b->askedl, &at))
		codes[n++] = register_take(&b->regd, c, &asking, 0);
	catalog_unpin(b->catalog.rig.reader, c);
	b->askedl = 0;
	tandem__registers_done__init(&done);
	done.code = codes;
	done.n_code = n;
	env.body_case = BUS_BODY(REGISTERS_DONE);
	env.registers_done = &done;
	b->request.h(0, &env, b->request.arg);
}


/* The turn is over: what was asked in it is asked, and answered. */
static void turn(struct bench *b)
{
	b->rig.sentc = 0;
	call_rig_run(&b->rig, 4, 4);
	if (b->askedl)
		answer(b);
	for (size_t i = 0; i < b->rig.sentc; i++)
		b->accepted += strncmp(b->rig.sent[i].data, "SIP/2.0 200",
				       11) == 0;
	b->rig.sentc = 0;
}


int main(int argc, char *argv[])
{
	static struct bench b;
	const unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10)
					: 2000;

	log_level_set(LOG_LEVEL_NOTICE);
	if (open_all(&b))
		return 1;
	for (unsigned n = 0; n < count; n++) {
		register_one(&b, n);
		if (n % AT_ONCE == AT_ONCE - 1 || n + 1 == count)
			turn(&b);
	}
	printf("register: registrations=%u accepted=%u\n", count, b.accepted);
	close_all(&b);

	return b.accepted == count ? 0 : 1;
}
