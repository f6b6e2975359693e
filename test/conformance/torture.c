/**
 * @file test/conformance/torture.c  Messages that are meant to be hard
 *
 * The cases of RFC 4475 and of RFC 5118, by their names there, and one of our
 * own. What is expected is what the specification says of such input, not what
 * the RFC proposes: where the two differ the comment says so.
 *
 *     torture FOLDER
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/util.h"
#include "sipd/message.h"

enum {
	BODY_NONE = 0,
	BODY_SDP,
	BODY_OTHER /**< Would be 415 in an INVITE */
};

struct expect {
	const char *name;
	enum message_fault fault;
	const char *method; /**< And what of Via, Call-ID, CSeq was read */
	unsigned viac;
	const char *from_tag, *to_tag;
	uint32_t cseq;
	uint8_t body;
};

static char data[MESSAGE_BYTES_MAX];

/* clang-format off */
static const struct expect expects[] = {
	/* RFC 4475 3.1.1, valid */
	{ "wsinv", MESSAGE_OK, "INVITE", 3, "98asjd8", "1918181833n", 9, BODY_SDP },
	/* control characters, though escaped: 400 before the 501 */
	{ "intmeth", MESSAGE_CONTROL, "!interesting-Method0123456789_*+`.%indeed'~", 1,
	  "_token~1'+`*%!-.", "", 139122385, BODY_NONE },
	{ "esc01", MESSAGE_OK, "INVITE", 1, "938", "", 234234, BODY_SDP },
	{ "escnull", MESSAGE_OK, "REGISTER", 1, "839923423", "", 14398234, BODY_NONE },
	{ "esc02", MESSAGE_METHOD, "RE%47IST%45R", 1, "f232jadfj23", "", 29344, BODY_NONE },
	{ "lwsdisp", MESSAGE_OK, "OPTIONS", 1, "323", "", 60, BODY_NONE },
	{ "longreq", MESSAGE_OK, "INVITE", 34, "12longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong982424", "", 3882340, BODY_SDP },
	{ "dblreq", MESSAGE_OK, "REGISTER", 1, "43251j3j324", "", 8, BODY_NONE },
	{ "semiuri", MESSAGE_OK, "OPTIONS", 1, "33242", "", 8, BODY_NONE },
	{ "transports", MESSAGE_OK, "OPTIONS", 5, "323", "", 60, BODY_NONE },
	{ "mpart01", MESSAGE_OK, "MESSAGE", 1, "2fb0dcc9", "", 1, BODY_OTHER },
	{ "unreason", MESSAGE_OK, "INVITE", 1, "11141343", "2229", 35, BODY_SDP },
	{ "noreason", MESSAGE_OK, "INVITE", 1, "39ansfi3", "902jndnke3", 35, BODY_NONE },
	/* 3.1.2, invalid; what cannot be read is dropped, where the RFC has 400 */
	{ "badinv01", MESSAGE_BAD_VIA, "INVITE", 0, "134161461246", "", 8, BODY_SDP },
	{ "clerr", MESSAGE_TRUNCATED, "INVITE", 1, "93942939o2", "", 8, BODY_SDP },
	{ "ncl", MESSAGE_SYNTAX, "INVITE", 1, "32394234", "", 0, BODY_SDP },
	{ "scalar02", MESSAGE_SYNTAX, "REGISTER", 1, "239232jh3", "", 0, BODY_NONE },
	{ "scalarlg", MESSAGE_SYNTAX, "", 1, "2easdjfejw", "", 0, BODY_NONE },
	{ "quotbal", MESSAGE_NO_TO, "INVITE", 1, "93334", "", 8, BODY_SDP },
	{ "ltgtruri", MESSAGE_SYNTAX, "INVITE", 1, "39291", "", 1, BODY_SDP },
	{ "lwsruri", MESSAGE_SYNTAX, "INVITE", 1, "39291", "", 1, BODY_SDP },
	{ "lwsstart", MESSAGE_SYNTAX, "INVITE", 1, "39291", "", 1, BODY_SDP },
	{ "trws", MESSAGE_SYNTAX, "OPTIONS", 1, "39291", "", 8, BODY_NONE },
	/* headers in a Request-URI, a strange date and a strange contact do not
	 * matter to who does not use them */
	{ "escruri", MESSAGE_OK, "INVITE", 1, "39291", "", 1, BODY_SDP },
	{ "baddate", MESSAGE_OK, "INVITE", 1, "39291", "", 1, BODY_SDP },
	{ "regbadct", MESSAGE_OK, "REGISTER", 1, "39291", "", 8, BODY_NONE },
	{ "badaspec", MESSAGE_SYNTAX, "OPTIONS", 1, "433423", "", 8, BODY_NONE },
	{ "baddn", MESSAGE_NO_FROM, "OPTIONS", 1, "", "", 8, BODY_NONE },
	{ "badvers", MESSAGE_VERSION, "OPTIONS", 1, "qweoiqpe", "", 8, BODY_NONE },
	{ "mismatch01", MESSAGE_CSEQ_METHOD, "OPTIONS", 1, "39291", "", 8, BODY_NONE },
	{ "mismatch02", MESSAGE_CSEQ_METHOD, "NEWMETHOD", 1, "39291", "", 8, BODY_SDP },
	{ "bigcode", MESSAGE_NOT_SIP, "", 0, "", "", 0, BODY_NONE },
	/* 3.2: that the branch is only the cookie is for who looks for it */
	{ "badbranch", MESSAGE_OK, "OPTIONS", 1, "33242", "", 8, BODY_NONE },
	/* 3.3, for the application */
	{ "insuf", MESSAGE_NO_FROM, "INVITE", 1, "", "", 193942, BODY_SDP },
	{ "unkscm", MESSAGE_SCHEME, "OPTIONS", 1, "39291", "", 8, BODY_NONE },
	{ "novelsc", MESSAGE_SCHEME, "OPTIONS", 1, "39291", "", 8, BODY_NONE },
	{ "unksm2", MESSAGE_OK, "REGISTER", 1, "3234233", "", 8, BODY_NONE },
	{ "bext01", MESSAGE_OK, "OPTIONS", 1, "39291", "", 8, BODY_NONE },
	{ "invut", MESSAGE_OK, "INVITE", 1, "8392034", "", 235448, BODY_OTHER },
	{ "regaut01", MESSAGE_OK, "REGISTER", 1, "39291", "", 8, BODY_NONE },
	{ "multi01", MESSAGE_TWICE, "INVITE", 1, "3413415", "", 5, BODY_SDP },
	{ "mcl01", MESSAGE_TWICE, "OPTIONS", 1, "3923942", "", 15932, BODY_OTHER },
	{ "bcast", MESSAGE_OK, "INVITE", 2, "11141343", "2229", 35, BODY_SDP },
	{ "zeromf", MESSAGE_OK, "OPTIONS", 1, "3ghsd41", "", 39234321, BODY_NONE },
	{ "cparam01", MESSAGE_OK, "REGISTER", 1, "DkfVgjkrtMwaerKKpe", "", 8, BODY_NONE },
	{ "cparam02", MESSAGE_OK, "REGISTER", 1, "838293", "", 8, BODY_NONE },
	{ "regescrt", MESSAGE_OK, "REGISTER", 1, "39291", "", 8, BODY_NONE },
	{ "sdp01", MESSAGE_OK, "INVITE", 1, "39291", "", 1, BODY_SDP },
	/* 3.4: no branch, no tag, no length */
	{ "inv2543", MESSAGE_OK, "INVITE", 1, "", "", 56, BODY_SDP },
	/* RFC 5118 */
	{ "v6good", MESSAGE_OK, "REGISTER", 1, "81x2", "", 98176, BODY_NONE },
	{ "v6bad", MESSAGE_SYNTAX, "REGISTER", 1, "81x2", "", 98176, BODY_NONE },
	{ "v6ambiguous", MESSAGE_OK, "REGISTER", 1, "81x2", "", 98176, BODY_NONE },
	{ "v6port", MESSAGE_OK, "REGISTER", 1, "81x2", "", 98176, BODY_NONE },
	{ "v6brackets", MESSAGE_OK, "BYE", 1, "81x2", "", 98176, BODY_NONE },
	{ "v6plain", MESSAGE_OK, "OPTIONS", 1, "81x2", "", 98176, BODY_NONE },
	{ "v6sdp", MESSAGE_OK, "INVITE", 1, "81x2", "", 98176, BODY_SDP },
	{ "v6both", MESSAGE_OK, "BYE", 3, "81x2", "", 98176, BODY_NONE },
	{ "v6mapped", MESSAGE_OK, "INVITE", 1, "81x2", "", 98176, BODY_SDP },
	/* names that a short hash takes for From, Via, Content-Length ... */
	{ "collide", MESSAGE_OK, "INVITE", 1, "39291", "", 1, BODY_SDP },
};
/* clang-format on */


static unsigned differs(const struct expect *expect, const char *what)
{
	printf("%s: %s is not as expected\n", expect->name, what);

	return 1;
}


static unsigned via_count(const struct message *m)
{
	struct message_cursor cursor = { 0 };
	struct text value;
	struct head_via via;
	unsigned n = 0;

	while (message_next(m, HEAD_VIA, &cursor, &value))
		n += head_via_parse(&via, value) == 0;

	return n;
}


static uint8_t body_of(const struct message *m)
{
	struct text sdp;

	if (message_sdp(m, &sdp))
		return BODY_OTHER;

	return sdp.l > 0 ? BODY_SDP : BODY_NONE;
}


static unsigned check(const struct expect *expect, const struct message *m)
{
	unsigned bad = 0;

	if (m->fault != expect->fault) {
		bad += differs(expect, "the fault");
		printf("  %s\n", message_faults[m->fault].name);
	}
	if (!text_is(m->method_text, expect->method))
		bad += differs(expect, "the method");
	if (!text_is(m->from_tag, expect->from_tag) ||
	    !text_is(m->to_tag, expect->to_tag))
		bad += differs(expect, "a tag");
	if (m->cseq != expect->cseq)
		bad += differs(expect, "CSeq");
	if (via_count(m) != expect->viac)
		bad += differs(expect, "Via");
	if (body_of(m) != expect->body)
		bad += differs(expect, "the body");
	/* What is answered needs them. */
	if (message_faults[m->fault].code != 0 &&
	    (m->call_id.l == 0 || m->via.host.l == 0))
		bad += differs(expect, "Call-ID or Via");

	return bad;
}


static unsigned run(const char *folder, const struct expect *expect)
{
	static struct message m;
	char path[4096];
	size_t len;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s.sip", folder, expect->name);
	f = fopen(path, "rb");
	if (!f)
		return differs(expect, "the file");
	len = fread(data, 1, sizeof(data), f);
	(void)fclose(f);
	(void)message_parse(&m, data, len, false);

	return check(expect, &m);
}


/* A file without a row would be tested by nobody. */
static unsigned file_count(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	unsigned n = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	(void)closedir(dir);

	return n;
}


int main(int argc, char *argv[])
{
	unsigned bad = 0;

	if (argc != 2)
		return 2;

	for (size_t i = 0; i < COUNT_OF(expects); i++)
		bad += run(argv[1], &expects[i]);
	if (file_count(argv[1]) != COUNT_OF(expects)) {
		printf("as many files as rows are expected\n");
		bad++;
	}
	printf("%zu messages, %u wrong\n", COUNT_OF(expects), bad);

	return bad > 0;
}
