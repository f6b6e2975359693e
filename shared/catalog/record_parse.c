/**
 * @file shared/catalog/record_parse.c  From the text of a value to an item
 *
 * Each function takes all of its text or refuses it. What it leaves in the
 * item prints as canonical text, and that parses to the same item.
 */
#include <errno.h>
#include <string.h>

#include "shared/catalog/number.h"
#include "shared/catalog/record_form.h"

enum {
	CODE_MIN = 300, /* Final failures of SIP */
	CODE_MAX = 699,
	LABEL_MAX = 63, /* RFC 1035 2.3.4 */
	WORD_MAX = 64,
};


static bool has_char(struct text t, char c)
{
	return t.l > 0 && memchr(t.p, c, t.l) != NULL;
}


static bool is_same_nocase(struct text a, struct text b)
{
	char word[WORD_MAX];

	return text_copy(word, sizeof(word), b) == 0 &&
	       text_is_nocase(a, word);
}


/* Index in a list of words; -1 if it is none of them */
static int64_t index_of(const struct record_field *field, struct text t)
{
	for (int64_t i = 0; record_word(field, i).l > 0; i++)
		if (is_same_nocase(t, record_word(field, i)))
			return i;

	return -1;
}


/* --- texts ---------------------------------------------------------------- */

/* Names stand in lists, and beside the word for no record. */
static int parse_name(struct record_item *item,
		      const struct record_field *field, struct text t)
{
	(void)field;
	if (t.l < 1 || t.l > CAT_NAME_MAX)
		return ERANGE;
	if (has_char(t, ',') || text_is_nocase(t, "none") ||
	    !text_is_printable(t))
		return EBADMSG;
	item->text = t;

	return 0;
}


static int parse_number(struct record_item *item,
			const struct record_field *field, struct text t)
{
	const bool is_none = t.l == 0 || text_is_nocase(t, "none");

	if (is_none ? field->min > 0 : !number_is_valid(t))
		return EBADMSG;
	if (!is_none)
		item->text = t;

	return 0;
}


static int parse_text(struct record_item *item,
		      const struct record_field *field, struct text t)
{
	if (t.l < (size_t)field->min || t.l > (size_t)field->max)
		return ERANGE;
	if (!text_is_printable(t))
		return EBADMSG;
	item->text = t;

	return 0;
}


static bool is_host_label(struct text t)
{
	for (size_t i = 0; i < t.l; i++) {
		const char c = t.p[i];

		if (c != '-' && (c == '*' || c == '#' || !number_has_char(c)))
			return false;
	}

	return t.l >= 1 && t.l <= LABEL_MAX && t.p[0] != '-' &&
	       t.p[t.l - 1] != '-';
}


/* RFC 1123 2.1: the last label of a name is not a number; what looks so is a
 * misspelt address. Underscores are in use, whatever the RFC says. */
static bool is_host_name(struct text t)
{
	struct text label, rest = t;
	uint64_t number;
	bool more;

	do {
		more = text_cut(rest, '.', &label, &rest);
		if (!is_host_label(label))
			return false;
	} while (more);

	return text_u64(&number, label, 0, UINT64_MAX) == EBADMSG;
}


/* A zone is an interface of one machine: it has no place in records of all. */
static int parse_addr(struct addr *addr, struct text t)
{
	return has_char(t, '%') ? EBADMSG : addr_parse(addr, t);
}


static void set_addr(struct record_item *item, const struct addr *addr)
{
	struct addr ip = *addr;

	ip.port = 0;
	item->text = text_of(addr_print(&ip, item->addr));
}


static int parse_host(struct record_item *item,
		      const struct record_field *field, struct text t)
{
	const int64_t word = field->words ? index_of(field, t) : -1;
	struct addr addr;

	if (word >= 0) {
		item->text = record_word(field, word);
		return 0;
	}
	if (parse_addr(&addr, t) == 0) {
		if (addr.port != 0)
			return EBADMSG;
		set_addr(item, &addr);
		return 0;
	}
	/* Where there are words, names of hosts are none of them. */
	if (field->words)
		return EBADMSG;
	if (t.l < (size_t)field->min || t.l > (size_t)field->max)
		return ERANGE;
	if (t.l > 0 && !is_host_name(t))
		return EBADMSG;
	item->text = t;

	return 0;
}


static int parse_prefix(struct record_item *item,
			const struct record_field *field, struct text t)
{
	(void)field;
	if (t.l > CAT_PREFIX_MAX)
		return ERANGE;
	for (size_t i = 0; i < t.l; i++)
		if (!number_has_char(t.p[i]) && t.p[i] != '+')
			return EBADMSG;
	item->text = t;

	return 0;
}


/* A name of a codec; RFC 4855 allows more than anybody uses. */
static int parse_token(struct record_item *item,
		       const struct record_field *field, struct text t)
{
	(void)field;
	for (size_t i = 0; i < t.l; i++) {
		const char c = t.p[i];

		if (c == '*' || c == '#' ||
		    (!number_has_char(c) && c != '.' && c != '+' && c != '-'))
			return EBADMSG;
	}
	if (t.l < 1 || t.l >= WORD_MAX)
		return ERANGE;
	item->text = t;

	return 0;
}


/* Which of the two it has to be is the list's to say: it is another field. */
static int parse_entry(struct record_item *item,
		       const struct record_field *field, struct text t)
{
	struct prefix network;
	int err;
	(void)field;

	if (number_pattern_is_valid(t)) {
		item->text = t;
		return 0;
	}
	if (has_char(t, '%'))
		return EBADMSG;
	err = prefix_parse(&network, t);
	if (!err)
		item->text = text_of(prefix_print(&network, item->addr));

	return err;
}


/* The name of a record, or nothing for none */
static int parse_ref(struct record_item *item,
		     const struct record_field *field, struct text t)
{
	if (t.l > 0 && !text_is_nocase(t, "none"))
		return parse_name(item, field, t);

	return field->min > 0 ? EBADMSG : 0;
}


/* --- numbers -------------------------------------------------------------- */

bool record_parse_open(struct record_item *item,
		       const struct record_field *field, struct text t)
{
	if (!field->inherits || !text_is_nocase(t, record_open_word(field)))
		return false;
	item->number = record_open_number(field);

	return true;
}


static int parse_int(struct record_item *item,
		     const struct record_field *field, struct text t)
{
	if (record_parse_open(item, field, t))
		return 0;
	/* A word beside the range stands for 0. */
	if (field->words && is_same_nocase(t, record_word(field, 0))) {
		item->number = 0;
		return 0;
	}

	return text_i64(&item->number, t, field->min, field->max);
}


static int parse_switch(struct record_item *item,
			const struct record_field *field, struct text t)
{
	static const struct {
		const char *word;
		int64_t number;
	} words[] = {
		{ "on", 1 },  { "1", 1 }, { "true", 1 },
		{ "off", 0 }, { "0", 0 }, { "false", 0 },
	};

	if (record_parse_open(item, field, t))
		return 0;
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (text_is_nocase(t, words[i].word)) {
			item->number = words[i].number;
			return 0;
		}
	}

	return EBADMSG;
}


static int parse_enum(struct record_item *item,
		      const struct record_field *field, struct text t)
{
	if (record_parse_open(item, field, t))
		return 0;
	item->number = index_of(field, t);

	return item->number >= 0 ? 0 : EBADMSG;
}


static int parse_money(struct record_item *item,
		       const struct record_field *field, struct text t)
{
	if (record_parse_open(item, field, t))
		return 0;

	return text_fixed(&item->number, t, MONEY_DECIMALS, field->min,
			  field->max);
}


static int parse_percent(struct record_item *item,
			 const struct record_field *field, struct text t)
{
	return text_fixed(&item->number, t, PERCENT_DECIMALS, field->min,
			  field->max);
}


static int parse_code(struct record_item *item,
		      const struct record_field *field, struct text t)
{
	(void)field;

	return text_i64(&item->number, t, CODE_MIN, CODE_MAX);
}


static int parse_cause(struct record_item *item,
		       const struct record_field *field, struct text t)
{
	struct text head, rest;
	int64_t from, to;
	int err;
	(void)field;

	if (!text_cut(t, '=', &head, &rest))
		return EBADMSG;
	err = text_i64(&from, text_trim(head), CODE_MIN, CODE_MAX);
	if (err)
		return err;
	err = text_i64(&to, text_trim(rest), CODE_MIN, CODE_MAX);
	if (err)
		return err;

	item->u.cause.from = (int32_t)from;
	item->u.cause.to = (int32_t)to;

	return 0;
}


/* --- addresses ------------------------------------------------------------ */

static int parse_source(struct record_item *item,
			const struct record_field *field, struct text t)
{
	struct cat_source *source = &item->u.source;
	struct prefix network;
	int err;
	(void)field;

	if (!has_char(t, '/')) {
		err = parse_addr(&source->addr, t);
		source->len = source->addr.family == AF_INET ? 32 : 128;
		return err;
	}

	err = has_char(t, '%') ? EBADMSG : prefix_parse(&network, t);
	if (err)
		return err;
	source->addr = network.addr;
	source->len = network.len;

	return 0;
}


static int parse_transport(uint8_t *transportp, struct text t)
{
	static const char *const words[] = {
		[CAT_UDP] = "udp", [CAT_TCP] = "tcp", [CAT_TLS] = "tls"
	};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (text_is_nocase(t, words[i])) {
			*transportp = (uint8_t)i;
			return 0;
		}
	}

	return EBADMSG;
}


/* host[:port][;transport]; an IPv6 address with port in brackets */
static int parse_target(struct record_item *item,
			const struct record_field *field, struct text t)
{
	struct cat_target *target = &item->u.target;
	struct text host, rest, port;
	struct addr addr;
	uint32_t number = 0;
	(void)field;

	if (text_cut(t, ';', &host, &rest) &&
	    parse_transport(&target->transport, rest))
		return EBADMSG;
	if (parse_addr(&addr, host) == 0) {
		set_addr(item, &addr);
		target->port = addr.port;
		return 0;
	}

	if (text_cut(host, ':', &host, &port) &&
	    text_u32(&number, port, 1, 65535))
		return EBADMSG;
	if (host.l > 255 || !is_host_name(host))
		return EBADMSG;
	item->text = host;
	target->port = (uint16_t)number;

	return 0;
}


/* --- dial plans ----------------------------------------------------------- */

static bool is_dial(struct text t)
{
	for (size_t i = 0; i < t.l; i++) {
		const char c = t.p[i];

		if (c == '*' ||
		    !(number_has_char(c) || c == '+' || c == '.' || c == '-'))
			return false;
	}

	return t.l <= CAT_NUMBER_MAX;
}


/* The one '*' of a replacement is its rest: text before and behind it */
static int parse_rest(struct record_item *item, struct text t)
{
	struct cat_dial *dial = &item->u.dial;
	struct text head, rest;

	if (!text_cut(t, '*', &head, &rest)) {
		dial->rest_at = REST_NOWHERE;
		return is_dial(t) ? 0 : EBADMSG;
	}
	/* A pattern that ends has no rest. */
	if (!dial->open || !is_dial(head) || !is_dial(rest) ||
	    head.l + rest.l > CAT_NUMBER_MAX)
		return EBADMSG;
	dial->rest_at = (uint8_t)head.l;

	return 0;
}


/* 00*=*: pattern and replacement keep their '*'; what stores them drops it */
static int parse_dial(struct record_item *item,
		      const struct record_field *field, struct text t)
{
	struct text pattern, replacement;
	(void)field;

	if (!text_cut(t, '=', &pattern, &replacement))
		return EBADMSG;
	pattern = text_trim(pattern);
	if (pattern.l == 0)
		return EBADMSG;

	item->u.dial.open = pattern.p[pattern.l - 1] == '*';
	pattern.l -= item->u.dial.open;
	if (!is_dial(pattern))
		return EBADMSG;
	item->text = pattern;
	item->second = text_trim(replacement);

	return parse_rest(item, item->second);
}


/* --- the table ------------------------------------------------------------ */

#define NAME_ALLOWED "1-64 bytes without commas, not none"
#define ENTRY_ALLOWED \
	"a number, the start of one with *, an address, a network"
#define HA1_ALLOWED "lines: realm, MD5 and SHA-256 in hex, by tabs; or none"

/* clang-format off */
const struct record_parser record_parsers[RECORD_TYPEC]= {
	[RECORD_NAME]     = { .h = parse_name, .allowed = NAME_ALLOWED },
	[RECORD_NUMBER]   = { .h = parse_number, .allowed = "1-40 letters, digits, * # _" },
	[RECORD_TEXT]     = { .h = parse_text },
	[RECORD_HOST]     = { .h = parse_host },
	[RECORD_INT]      = { .h = parse_int },
	[RECORD_SWITCH]   = { .h = parse_switch },
	[RECORD_ENUM]     = { .h = parse_enum },
	[RECORD_MONEY]    = { .h = parse_money },
	[RECORD_PERCENT]  = { .h = parse_percent },
	[RECORD_REF]      = { .h = parse_ref },
	[RECORD_REFS]     = { .h = parse_name, .separator = ',', .none = "none" },
	[RECORD_PREFIX]   = { .h = parse_prefix, .allowed = "0-24 letters, digits, * # _ +" },
	[RECORD_PREFIXES] = { .h = parse_prefix, .separator = ',', .allowed = "0-24 letters, digits, * # _ + each" },
	[RECORD_TEXTS]    = { .h = parse_token, .separator = ',', .allowed = "names like PCMU" },
	[RECORD_CODES]    = { .h = parse_code, .separator = ',', .allowed = "300-699 each" },
	[RECORD_CAUSES]   = { .h = parse_cause, .separator = ',', .allowed = "code=code, 300-699 each" },
	[RECORD_PLAN]     = { .h = parse_dial, .separator = ',', .allowed = "pattern=replacement, * at the end of a pattern and once in its replacement" },
	[RECORD_SOURCES]  = { .h = parse_source, .separator = ',', .allowed = "address, network or address:port" },
	[RECORD_TARGETS]  = { .h = parse_target, .separator = ',', .allowed = "host:port;transport, port and transport may be left out" },
	[RECORD_CALENDAR] = { .h = record_parse_hours, .separator = ',', .allowed = "like mon-fri 08:00-20:00 400" },
	[RECORD_TIME]     = { .h = record_parse_time },
	[RECORD_ENTRY]    = { .h = parse_entry, .allowed = ENTRY_ALLOWED },
	[RECORD_HA1]      = { .h = record_parse_ha1, .separator = '\n', .none = "none", .is_secret = true, .allowed = HA1_ALLOWED },
	[RECORD_SEALED]   = { .h = record_parse_sealed, .is_secret = true, .allowed = "base64, or none" },
};
/* clang-format on */
