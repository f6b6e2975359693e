/**
 * @file sipd/sdp_parse.c  SDP read by line
 *
 * RFC 8866, as far as calls need it. Lenient where it does no harm (LF alone,
 * empty lines, a missing s= or t=), strict about what is acted on: addresses,
 * ports, payload numbers. Linear in the input.
 */
#include <errno.h>
#include <string.h>

#include "shared/base/util.h"
#include "sipd/sdp_line.h"

enum {
	PAYLOAD_NUMBER_MAX = 127,
	HOST_MAX = 255 /* RFC 1035 2.3.4 */
};

/* RFC 3551 6: these have their names without rtpmap. */
static const struct {
	const char *name;
	uint32_t rate;
} assigned[] = {
	/* clang-format off */
	[0]  = { "PCMU",  8000 },
	[3]  = { "GSM",   8000 },
	[4]  = { "G723",  8000 },
	[5]  = { "DVI4",  8000 },
	[6]  = { "DVI4",  16000 },
	[7]  = { "LPC",   8000 },
	[8]  = { "PCMA",  8000 },
	[9]  = { "G722",  8000 },
	[10] = { "L16",   44100 },
	[11] = { "L16",   44100 },
	[12] = { "QCELP", 8000 },
	[13] = { "CN",    8000 },
	[14] = { "MPA",   90000 },
	[15] = { "G728",  8000 },
	[16] = { "DVI4",  11025 },
	[17] = { "DVI4",  22050 },
	[18] = { "G729",  8000 },
	/* clang-format on */
};

/* What is carried by RTP over UDP */
static const struct {
	const char *name;
	bool is_secure;
} profiles[] = {
	{ "RTP/AVP", false },         { "RTP/AVPF", false },
	{ "RTP/SAVP", true },         { "RTP/SAVPF", true },
	{ "UDP/TLS/RTP/SAVP", true }, { "UDP/TLS/RTP/SAVPF", true },
};

/* What is read while the lines go by */
struct reader {
	struct sdp *sdp;
	struct sdp_media *media; /* NULL: still in the session's part */
	struct addr session_addr;
	enum sdp_direction session_direction;
	bool has_session_addr;
	bool has_addr; /* of the media: its own or the session's */
	bool has_own_addr;
	bool has_origin;
	bool has_bad_addr;
	bool (*is_own)(const struct addr *addr, void *arg);
	void *arg;
};


/* --- addresses ------------------------------------------------------------ */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}


static bool is_host_name(struct text t)
{
	bool has_letter = false; /* else it is an address, or none */

	for (size_t i = 0; i < t.l; i++) {
		const char c = t.p[i];

		has_letter |= is_letter(c);
		if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '-' &&
		    c != '.' && c != '_')
			return false;
	}

	return has_letter && t.l <= HOST_MAX;
}


/* "IN IP4 192.0.2.1/127"; a host name has family 0. */
static int connection_read(struct addr *addrp, struct text value)
{
	struct text nettype, type, host, rest;
	struct addr addr = { .family = 0 };

	if (!sdp_word_next(&value, &nettype) ||
	    !sdp_word_next(&value, &type) || !sdp_word_next(&value, &host) ||
	    !text_is_nocase(nettype, "IN") ||
	    !(text_is_nocase(type, "IP4") || text_is_nocase(type, "IP6")))
		return EBADMSG;
	(void)text_cut(host, '/', &host, &rest);
	if (addr_parse_ip4(&addr, host) == 0) {
		*addrp = addr;
		return 0;
	}
	if (is_host_name(host)) {
		*addrp = addr;
		return 0;
	}
	/* no brackets, port or zone */
	if (host.l == 0 || host.p[0] == '[' || memchr(host.p, '%', host.l) ||
	    addr_parse(&addr, host) != 0 || addr.port != 0)
		return EBADMSG;

	*addrp = addr;

	return 0;
}


static bool is_bad_addr(const struct reader *r, const struct addr *addr)
{
	return addr->family != 0 &&
	       (addr_is_multicast(addr) || addr_is_loopback(addr) ||
		(r->is_own && r->is_own(addr, r->arg)));
}


static int read_connection(struct reader *r, struct text value)
{
	struct addr addr;
	int err;

	err = connection_read(&addr, value);
	if (err)
		return err;

	/* All there are, also one that every media overrides */
	r->has_bad_addr |= is_bad_addr(r, &addr);
	if (!r->media) {
		if (!r->has_session_addr)
			r->session_addr = addr;
		r->has_session_addr = true;
		return 0;
	}
	/* more than one is for layers of multicast: the first counts */
	if (!r->has_own_addr) {
		addr.port = r->media->remote.port;
		r->media->remote = addr;
	}
	r->has_own_addr = true;
	r->has_addr = true;

	return 0;
}


/* --- o= ------------------------------------------------------------------- */

/* Some write more digits than 64 bits hold: modulo is enough to tell one from
 * the other. */
static int digits_read(uint64_t *vp, struct text t)
{
	uint64_t v = 0;

	if (t.l == 0)
		return EBADMSG;
	for (size_t i = 0; i < t.l; i++) {
		if (t.p[i] < '0' || t.p[i] > '9')
			return EBADMSG;
		v = v * 10 + (uint64_t)(t.p[i] - '0');
	}
	*vp = v;

	return 0;
}


static int read_origin(struct reader *r, struct text value)
{
	struct text words[6], rest = value;

	if (r->media || r->has_origin)
		return EBADMSG;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (!sdp_word_next(&rest, &words[i]))
			return EBADMSG;
	r->has_origin = true;
	r->sdp->origin = value;

	return digits_read(&r->sdp->session, words[1]) ||
			       digits_read(&r->sdp->version, words[2])
		       ? EBADMSG
		       : 0;
}


/* --- m= ------------------------------------------------------------------- */

static void profile_read(struct sdp_media *media, struct text name)
{
	for (size_t i = 0; i < COUNT_OF(profiles); i++)
		if (text_is_nocase(name, profiles[i].name)) {
			media->is_rtp = true;
			media->is_secure = profiles[i].is_secure;
		}
}


/* Of audio alone: nothing else is filtered. */
static int payloads_read(struct sdp_media *media, struct text rest)
{
	struct text word;

	while (sdp_word_next(&rest, &word)) {
		struct sdp_payload *payload;
		uint32_t number;

		if (media->payloadc == SDP_PAYLOADS_MAX ||
		    text_u32(&number, word, 0, PAYLOAD_NUMBER_MAX) != 0)
			return EBADMSG;
		payload = &media->payloads[media->payloadc++];
		memset(payload, 0, sizeof(*payload));
		payload->number = (uint8_t)number;
		if (number < COUNT_OF(assigned) && assigned[number].name) {
			(void)text_copy(payload->name, sizeof(payload->name),
					text_of(assigned[number].name));
			payload->rate = assigned[number].rate;
		}
	}

	return media->payloadc == 0 && media->remote.port != 0 ? EBADMSG : 0;
}


static int read_media(struct reader *r, struct text value)
{
	struct text kind, ports, proto, port, count;
	struct sdp_media *media;
	uint32_t number;

	if (!r->has_origin || r->sdp->mediac == SDP_MEDIAC_MAX ||
	    !sdp_word_next(&value, &kind) || !sdp_word_next(&value, &ports) ||
	    !sdp_word_next(&value, &proto))
		return EBADMSG;
	(void)text_cut(ports, '/', &port, &count);
	if (text_u32(&number, port, 0, UINT16_MAX) != 0)
		return EBADMSG;

	media = &r->sdp->media[r->sdp->mediac++];
	memset(media, 0, offsetof(struct sdp_media, payloads));
	media->direction = r->session_direction;
	media->remote = r->session_addr;
	media->remote.port = (uint16_t)number;
	r->media = media;
	r->has_addr = r->has_session_addr;
	r->has_own_addr = false;
	profile_read(media, proto);

	if (text_is_nocase(kind, "image") && text_is_nocase(proto, "udptl"))
		media->kind = SDP_IMAGE;
	if (!text_is_nocase(kind, "audio"))
		return 0;
	media->kind = SDP_AUDIO;

	return media->is_rtp ? payloads_read(media, value) : 0;
}


/* What is said of a media holds for its end. */
static int media_end(struct reader *r)
{
	struct sdp_media *media = r->media;

	if (!media)
		return 0;
	if (!r->has_addr && media->remote.port != 0)
		return EBADMSG;
	media->is_held = media->remote.family != 0 &&
			 addr_is_any(&media->remote);

	return 0;
}


/* --- a= ------------------------------------------------------------------- */

static void name_copy(char dst[SDP_CODEC_MAX], struct text name)
{
	static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t i;

	for (i = 0; i < name.l && i < SDP_CODEC_MAX - 1; i++) {
		const char c = name.p[i];

		dst[i] = '?';
		if (c >= 'a' && c <= 'z')
			dst[i] = upper[c - 'a'];
		else if (c > ' ' && c < 0x7f)
			dst[i] = c;
	}
	dst[i] = '\0';
}


/* "101 telephone-event/8000/1" */
static int read_rtpmap(struct sdp_media *media, struct text argument)
{
	struct text word, name, rate, channels;
	uint32_t number, hz;

	if (!sdp_word_next(&argument, &word) ||
	    text_u32(&number, word, 0, PAYLOAD_NUMBER_MAX) != 0 ||
	    !sdp_word_next(&argument, &word))
		return EBADMSG;
	(void)text_cut(word, '/', &name, &rate);
	(void)text_cut(rate, '/', &rate, &channels);
	if (name.l == 0 || text_u32(&hz, rate, 1, UINT32_MAX) != 0)
		return EBADMSG;

	for (size_t i = 0; i < media->payloadc; i++)
		if (media->payloads[i].number == number) {
			name_copy(media->payloads[i].name, name);
			media->payloads[i].rate = hz;
		}

	return 0;
}


static void read_rtcp(struct sdp_media *media, struct text argument)
{
	struct text word;
	uint32_t port;

	if (sdp_word_next(&argument, &word) &&
	    text_u32(&port, word, 1, UINT16_MAX) == 0)
		media->rtcp_port = (uint16_t)port;
}


static int read_attribute(struct reader *r, struct text value)
{
	enum sdp_direction direction;
	struct text name, argument;

	sdp_attribute_cut(value, &name, &argument);
	if (sdp_direction_find(&direction, value)) {
		if (r->media)
			r->media->direction = direction;
		else
			r->session_direction = direction;
		return 0;
	}
	if (!r->media)
		return 0;
	if (text_is_nocase(name, "crypto"))
		r->media->is_secure = true;
	if (text_is_nocase(name, "rtcp"))
		read_rtcp(r->media, argument);
	if (text_is_nocase(name, "rtpmap") && r->media->kind == SDP_AUDIO)
		return read_rtpmap(r->media, argument);

	return 0;
}


/* --- all of it ------------------------------------------------------------ */

static int read_line(struct reader *r, const struct sdp_line *line)
{
	int err;

	switch (line->type) {
	case '\0':
	case 'v': /* was the first */
		return EBADMSG;
	case 'o':
		return read_origin(r, line->value);
	case 'c':
		return read_connection(r, line->value);
	case 'm':
		err = media_end(r);
		return err ? err : read_media(r, line->value);
	case 'a':
		return read_attribute(r, line->value);
	default:
		return 0;
	}
}


static int read_all(struct reader *r, struct text body)
{
	struct text rest = body;
	struct sdp_line line;

	/* Lines and payloads are cleared as they come: most are never
	 * touched. */
	memset(r->sdp, 0, offsetof(struct sdp, media));
	if (body.l > SDP_BYTES_MAX || !sdp_line_next(&rest, &line) ||
	    line.type != 'v' || !text_is(text_trim(line.value), "0"))
		return EBADMSG;

	while (sdp_line_next(&rest, &line)) {
		const int err = read_line(r, &line);

		if (err)
			return err;
	}

	return r->media ? media_end(r) : EBADMSG;
}


int sdp_read(struct sdp *sdp, struct text body)
{
	struct reader r = { .sdp = sdp };

	return read_all(&r, body);
}


int sdp_parse(struct sdp *sdp, struct text body,
	      bool (*is_own)(const struct addr *addr, void *arg), void *arg)
{
	struct reader r = { .sdp = sdp, .is_own = is_own, .arg = arg };
	bool is_live = false;
	int err;

	err = read_all(&r, body);
	if (err)
		return err;

	for (size_t i = 0; i < sdp->mediac; i++)
		is_live |= sdp->media[i].remote.port != 0;

	return is_live && !r.has_bad_addr ? 0 : EADDRNOTAVAIL;
}


/* --- questions ------------------------------------------------------------ */

bool sdp_is_private(const struct sdp *sdp)
{
	for (size_t i = 0; i < sdp->mediac; i++) {
		const struct addr *addr = &sdp->media[i].remote;

		if (addr->port != 0 && addr->family != 0 &&
		    (addr_is_private(addr) || addr_is_linklocal(addr)))
			return true;
	}

	return false;
}


/* The next line that says something of the session */
static bool next_telling(struct text *rest, struct sdp_line *line)
{
	while (sdp_line_next(rest, line))
		if (line->type != 'o' && line->type != 's')
			return true;

	return false;
}


bool sdp_same(struct text a, struct text b)
{
	struct sdp_line line_a, line_b;

	for (;;) {
		const bool more = next_telling(&a, &line_a);

		if (more != next_telling(&b, &line_b))
			return false;
		if (!more)
			return true;
		if (line_a.type != line_b.type || line_a.type == '\0' ||
		    line_a.value.l != line_b.value.l ||
		    memcmp(line_a.value.p, line_b.value.p, line_a.value.l) !=
			    0)
			return false;
	}
}


bool sdp_has_codec(const struct sdp *sdp, const struct sdp_codecs *a,
		   const struct sdp_codecs *b)
{
	bool has_audio = false;

	for (size_t i = 0; i < sdp->mediac; i++) {
		const struct sdp_media *media = &sdp->media[i];

		if (!sdp_is_filtered(media))
			continue;
		has_audio = true;
		for (size_t j = 0; j < media->payloadc; j++)
			if (sdp_is_codec(&media->payloads[j]) &&
			    sdp_is_listed(&media->payloads[j], a, b))
				return true;
	}

	return !has_audio;
}


const char *sdp_codec(const struct sdp *sdp)
{
	for (size_t i = 0; i < sdp->mediac; i++) {
		const struct sdp_media *media = &sdp->media[i];

		if (!sdp_is_filtered(media))
			continue;
		for (size_t j = 0; j < media->payloadc; j++)
			if (sdp_is_codec(&media->payloads[j]))
				return media->payloads[j].name;
	}

	return "";
}
