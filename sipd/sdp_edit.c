/**
 * @file sipd/sdp_edit.c  SDP written anew, line by line
 *
 * Every line passes unless a rule of media 2 names it. First each media is
 * planned (is it refused, which payloads stay), then the lines go by once.
 * Each rule leaves alone what it has made itself, so a second pass changes
 * nothing.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "shared/base/util.h"
#include "sipd/compose.h"
#include "sipd/sdp_line.h"

enum {
	EVENT_FIRST = 101,  /* what most use */
	DYNAMIC_FIRST = 96, /* RFC 3551 6 */
	DYNAMIC_LAST = 127,
	EVENT_RATE = 8000
};

/* What becomes of one m= */
struct plan {
	bool is_live;  /* else its port is 0 */
	bool is_held;  /* becomes a=inactive */
	uint32_t kept; /* payloads, by bit */
	uint8_t event; /* number to be added; 0: none */
};
BUILD_ASSERT(SDP_PAYLOADS_MAX <= 32);

struct editor {
	const struct sdp_edit *edit;
	struct sdp *sdp;
	struct plan plans[SDP_MEDIAC_MAX];
	struct compose out;
	size_t mediac; /* begun so far */
	/* of the media that is open */
	const struct sdp_media *media; /* NULL: the session's part */
	const struct plan *plan;
	size_t linec;     /* behind its m= */
	size_t events_at; /* the lines of the event stand behind that one */
	bool is_inactive_put;
};

typedef void line_h(struct editor *ed, const struct sdp_line *line);


/* --- plan ----------------------------------------------------------------- */

static uint8_t event_number(const struct sdp_media *media, uint8_t wanted)
{
	bool is_used[DYNAMIC_LAST + 1] = { false };

	for (size_t i = 0; i < media->payloadc; i++)
		is_used[media->payloads[i].number] = true;
	if (wanted && wanted <= DYNAMIC_LAST && !is_used[wanted])
		return wanted;
	for (unsigned n = EVENT_FIRST; n <= DYNAMIC_LAST; n++)
		if (!is_used[n])
			return (uint8_t)n;
	for (unsigned n = DYNAMIC_FIRST; n < EVENT_FIRST; n++)
		if (!is_used[n])
			return (uint8_t)n;

	return 0;
}


/* What is encrypted end to end has no events of ours. */
static void plan_payloads(struct plan *plan, const struct sdp_media *media,
			  const struct sdp_edit *edit)
{
	const bool is_open = edit->a.namec == 0 && edit->b.namec == 0;
	const bool drops = edit->drop_events && !media->is_secure;
	const bool adds = edit->add_events && !edit->drop_events &&
			  !media->is_secure;
	size_t keptc = 0, codecc = 0;
	bool has_event = false;

	plan->kept = 0;
	for (size_t i = 0; i < media->payloadc; i++) {
		const struct sdp_payload *payload = &media->payloads[i];
		const bool is_event = sdp_is_event(payload);

		if ((is_event && drops) ||
		    !sdp_is_listed(payload, &edit->a, &edit->b))
			continue;
		plan->kept |= UINT32_C(1) << i;
		keptc++;
		codecc += is_open || sdp_is_codec(payload);
		has_event |= is_event && payload->rate == EVENT_RATE;
	}
	plan->is_live = codecc > 0;
	if (plan->is_live && adds && !has_event && keptc < SDP_PAYLOADS_MAX)
		plan->event = event_number(media, edit->event);
}


static int plan_make(struct editor *ed)
{
	const struct sdp_edit *edit = ed->edit;
	size_t audioc = 0, livec = 0;

	for (size_t i = 0; i < ed->sdp->mediac; i++) {
		const struct sdp_media *media = &ed->sdp->media[i];
		struct plan *plan = &ed->plans[i];

		*plan = (struct plan){ .kept = UINT32_MAX };
		plan->is_live = media->remote.port != 0;
		if (edit->is_relayed &&
		    (!sdp_can_relay(media) || edit->media[i].port == 0))
			plan->is_live = false;
		if (plan->is_live && sdp_is_filtered(media)) {
			plan_payloads(plan, media, edit);
			audioc++;
			livec += plan->is_live;
		}
		plan->is_held = edit->is_relayed && plan->is_live &&
				media->is_held;
	}

	return audioc > 0 && livec == 0 ? ENOENT : 0;
}


/* --- addresses in what passes --------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}


/* Four numbers with points between them begin here */
static bool begins_ipv4(struct text t)
{
	size_t i = 0;

	for (int part = 0; part < 4; part++) {
		unsigned digits = 0, v = 0;

		if (part > 0 && (i >= t.l || t.p[i++] != '.'))
			return false;
		for (; i < t.l && is_digit(t.p[i]) && digits < 3; digits++)
			v = v * 10 + (unsigned)(t.p[i++] - '0');
		if (digits == 0 || v > 255)
			return false;
	}

	return true;
}


static bool is_of_ipv6(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F') || c == ':';
}


/* All hexadecimal digits and colons from here are an IPv6 address; one colon
 * before or behind may be punctuation. */
static bool begins_ipv6(struct text t)
{
	struct addr addr;
	size_t n = 0, colonc = 0;

	for (; n < t.l && is_of_ipv6(t.p[n]); n++)
		colonc += t.p[n] == ':';
	if (colonc < 2 || n >= ADDR_TEXT_MAX)
		return false;
	for (size_t first = 0; first < 2; first++)
		for (size_t last = 0; last < 2; last++) {
			const struct text ip = { t.p + first,
						 n - first - last };

			if ((first && t.p[0] != ':') ||
			    (last && t.p[n - 1] != ':'))
				continue;
			if (addr_parse(&addr, ip) == 0)
				return true;
		}

	return false;
}


/* "IP4" announces one, or a host name. */
static bool has_address(struct text t)
{
	struct text rest = t, word;

	while (sdp_word_next(&rest, &word))
		if (text_is_nocase(word, "IP4") || text_is_nocase(word, "IP6"))
			return true;

	for (size_t i = 0; i < t.l; i++) {
		const struct text here = { t.p + i, t.l - i };
		const bool is_first4 = i == 0 || !is_digit(t.p[i - 1]);
		const bool is_first6 = i == 0 || !is_of_ipv6(t.p[i - 1]);

		if ((is_first4 && begins_ipv4(here)) ||
		    (is_first6 && begins_ipv6(here)))
			return true;
	}

	return false;
}


/* --- lines ---------------------------------------------------------------- */

static void put_line(struct editor *ed, char type, struct text value)
{
	const char start[3] = { type, '=', '\0' };

	compose_put(&ed->out, start);
	compose_bytes(&ed->out, value.p, value.l);
	compose_put(&ed->out, "\r\n");
}


/* "IN IP4 198.51.100.1" */
static void put_host(struct editor *ed)
{
	const char *host = ed->edit->origin_host;

	compose_put(&ed->out, strchr(host, ':') ? "IN IP6 " : "IN IP4 ");
	compose_put(&ed->out, host);
	compose_put(&ed->out, "\r\n");
}


static void edit_pass(struct editor *ed, const struct sdp_line *line)
{
	if (!ed->edit->is_relayed || !has_address(line->value))
		put_line(ed, line->type, line->value);
}


static void edit_drop(struct editor *ed, const struct sdp_line *line)
{
	(void)ed;
	(void)line;
}


static void edit_origin(struct editor *ed, const struct sdp_line *line)
{
	(void)line;

	compose_put(&ed->out, "o=- ");
	compose_number(&ed->out, ed->edit->session);
	compose_put(&ed->out, " ");
	compose_number(&ed->out, ed->edit->version);
	compose_put(&ed->out, " ");
	put_host(ed);
	/* theirs is dropped, if there is one */
	compose_put(&ed->out, "s=-\r\n");
}


static void edit_connection(struct editor *ed, const struct sdp_line *line)
{
	if (!ed->edit->is_relayed) {
		put_line(ed, 'c', line->value);
		return;
	}
	compose_put(&ed->out, "c=");
	put_host(ed);
}


/* --- a= ------------------------------------------------------------------- */

/* ICE, and what a relay between does not carry; by start where it ends in
 * '-' */
static bool is_dropped(struct text name)
{
	static const char *const names[] = {
		"candidate", "remote-candidates", "end-of-candidates",
		"rtcp-mux",  "rtcp-mux-only",     "rtcp-xr",
	};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (text_is_nocase(name, names[i]))
			return true;

	return name.l >= 4 && strncasecmp(name.p, "ice-", 4) == 0;
}


/* What decides here how the rest is edited must come through whole. */
static bool is_opaque(struct text name)
{
	return text_is_nocase(name, "crypto") ||
	       text_is_nocase(name, "rtpmap");
}


static bool is_of_removed(const struct editor *ed, struct text argument)
{
	struct text word;
	uint32_t number;

	if (!ed->media || !ed->plan->is_live || !sdp_is_filtered(ed->media) ||
	    !sdp_word_next(&argument, &word) ||
	    text_u32(&number, word, 0, DYNAMIC_LAST) != 0)
		return false;
	for (size_t i = 0; i < ed->media->payloadc; i++)
		if (ed->media->payloads[i].number == number)
			return !(ed->plan->kept >> i & 1);

	return false;
}


static void put_inactive(struct editor *ed)
{
	if (!ed->is_inactive_put)
		compose_put(&ed->out, "a=inactive\r\n");
	ed->is_inactive_put = true;
}


/* RTCP is at the port behind (media 3); a session has none. */
static void put_rtcp(struct editor *ed)
{
	uint16_t port;

	if (!ed->media || !ed->plan->is_live)
		return;
	port = ed->edit->media[ed->mediac - 1].port;
	if (port == UINT16_MAX)
		return;
	compose_put(&ed->out, "a=rtcp:");
	compose_number(&ed->out, port + 1u);
	compose_put(&ed->out, " ");
	put_host(ed);
}


static void edit_attribute(struct editor *ed, const struct sdp_line *line)
{
	enum sdp_direction direction;
	struct text name, argument;

	sdp_attribute_cut(line->value, &name, &argument);
	if (sdp_is_of_payload(name) && is_of_removed(ed, argument))
		return;
	if (!ed->edit->is_relayed) {
		put_line(ed, 'a', line->value);
		return;
	}

	if (is_dropped(name))
		return;
	if (text_is_nocase(name, "rtcp"))
		put_rtcp(ed);
	else if (ed->media && ed->plan->is_held &&
		 sdp_direction_find(&direction, line->value))
		put_inactive(ed);
	else if (is_opaque(name))
		put_line(ed, 'a', line->value);
	else
		edit_pass(ed, line);
}


/* --- m= ------------------------------------------------------------------- */

static void put_events(struct editor *ed)
{
	if (!ed->media || ed->plan->event == 0 || ed->linec != ed->events_at)
		return;
	compose_put(&ed->out, "a=rtpmap:");
	compose_number(&ed->out, ed->plan->event);
	compose_put(&ed->out, " telephone-event/8000\r\na=fmtp:");
	compose_number(&ed->out, ed->plan->event);
	compose_put(&ed->out, " 0-15\r\n");
}


/* Behind the last line of a payload; else before the attributes; else at the
 * end of the media */
static size_t events_line(struct text rest)
{
	size_t linec = 0, last = 0, first = 0;
	struct sdp_line line;
	struct text name, argument;

	while (sdp_line_next(&rest, &line) && line.type != 'm') {
		linec++;
		if (line.type != 'a')
			continue;
		if (first == 0)
			first = linec;
		sdp_attribute_cut(line.value, &name, &argument);
		if (sdp_is_of_payload(name))
			last = linec;
	}
	if (last > 0)
		return last;

	return first > 0 ? first - 1 : linec;
}


static void put_port(struct editor *ed, struct text ports)
{
	if (!ed->plan->is_live)
		compose_put(&ed->out, "0");
	else if (ed->edit->is_relayed)
		compose_number(&ed->out, ed->edit->media[ed->mediac - 1].port);
	else
		compose_bytes(&ed->out, ports.p, ports.l);
}


static void put_media(struct editor *ed, struct text value)
{
	const bool is_filtered = ed->plan->is_live &&
				 sdp_is_filtered(ed->media);
	struct text kind, ports, proto, word;

	/* sdp_read() has seen that they are there */
	(void)sdp_word_next(&value, &kind);
	(void)sdp_word_next(&value, &ports);
	(void)sdp_word_next(&value, &proto);

	compose_put(&ed->out, "m=");
	compose_bytes(&ed->out, kind.p, kind.l);
	compose_put(&ed->out, " ");
	put_port(ed, ports);
	compose_put(&ed->out, " ");
	compose_bytes(&ed->out, proto.p, proto.l);
	for (size_t i = 0; sdp_word_next(&value, &word); i++) {
		if (is_filtered && !(ed->plan->kept >> i & 1))
			continue;
		compose_put(&ed->out, " ");
		compose_bytes(&ed->out, word.p, word.l);
	}
	if (ed->plan->event != 0) {
		compose_put(&ed->out, " ");
		compose_number(&ed->out, ed->plan->event);
	}
	compose_put(&ed->out, "\r\n");
}


static void media_close(struct editor *ed)
{
	if (ed->media && ed->plan->is_held)
		put_inactive(ed);
}


static void media_begin(struct editor *ed, const struct sdp_line *line,
			struct text rest)
{
	media_close(ed);
	ed->media = &ed->sdp->media[ed->mediac];
	ed->plan = &ed->plans[ed->mediac];
	ed->mediac++;
	ed->linec = 0;
	ed->events_at = events_line(rest);
	ed->is_inactive_put = false;
	put_media(ed, line->value);
	put_events(ed);
}


/* --- all of it ------------------------------------------------------------ */

static line_h *const edits['z' + 1] = {
	['a'] = edit_attribute, ['c'] = edit_connection, ['e'] = edit_drop,
	['i'] = edit_drop,      ['k'] = edit_drop,       ['o'] = edit_origin,
	['p'] = edit_drop,      ['s'] = edit_drop,       ['u'] = edit_drop,
};


static void edit_line(struct editor *ed, const struct sdp_line *line)
{
	line_h *h = edits[(unsigned char)line->type];

	if (h)
		h(ed, line);
	else
		edit_pass(ed, line);
	ed->linec++;
	put_events(ed);
}


/* Nothing is asked for that needs to know what the lines mean. */
static bool is_plain(const struct sdp_edit *edit)
{
	return edit->is_read && !edit->is_relayed && !edit->add_events &&
	       !edit->drop_events && !edit->a.namec && !edit->b.namec;
}


static int edit_plainly(struct editor *ed, struct text rest)
{
	struct sdp_line line;

	while (sdp_line_next(&rest, &line)) {
		line_h *h = edits[(unsigned char)line.type];

		if (!line.type)
			return EBADMSG;
		if (h == edit_drop || h == edit_origin)
			h(ed, &line);
		else
			put_line(ed, line.type, line.value);
	}

	return 0;
}


static int edit_fully(struct editor *ed, struct text body)
{
	struct text rest = body;
	struct sdp_line line;
	int err;

	err = sdp_read(ed->sdp, body);
	if (!err)
		err = plan_make(ed);
	if (err)
		return err;

	while (sdp_line_next(&rest, &line)) {
		if (line.type == 'm')
			media_begin(ed, &line, rest);
		else
			edit_line(ed, &line);
	}
	media_close(ed);

	return 0;
}


int sdp_edit(char *dst, size_t size, size_t *lenp, struct text body,
	     const struct sdp_edit *edit)
{
	struct sdp sdp; /* large: what reads it clears what it needs */
	struct editor ed = { .edit = edit, .sdp = &sdp };
	int err;

	compose_init(&ed.out, dst, size);
	err = is_plain(edit) ? edit_plainly(&ed, body) : edit_fully(&ed, body);
	if (err)
		return err;
	if (ed.out.is_full || ed.out.len > SDP_BYTES_MAX)
		return EMSGSIZE;
	*lenp = ed.out.len;

	return 0;
}
