/**
 * @file sipd/media_dtmf.c  A digit as the body of an INFO (media 7.2)
 */
#include <errno.h>
#include <string.h>

#include "shared/base/util.h"
#include "sipd/media_dtmf.h"

enum {
	MS_MIN = 40,
	MS_MAX = 6000,
};


int dtmf_digit(char *digitp, struct text t)
{
	static const char said[] = "0123456789*#ABCDabcd";
	static const char meant[] = "0123456789*#ABCDABCD";
	const char *p;

	if (t.l != 1 || t.p[0] == '\0')
		return EBADMSG;
	p = strchr(said, t.p[0]);
	if (!p)
		return EBADMSG;
	*digitp = meant[p - said];

	return 0;
}


static int read_duration(struct dtmf *dtmf, struct text value)
{
	uint32_t ms;

	if (text_u32(&ms, value, 0, UINT16_MAX))
		return EBADMSG;
	dtmf->ms = (uint16_t)(ms < MS_MIN   ? MS_MIN
			      : ms > MS_MAX ? MS_MAX
					    : ms);

	return 0;
}


/* Blanks, and what ends lines */
static struct text clean(struct text t)
{
	t = text_trim(t);
	while (t.l > 0 && (t.p[t.l - 1] == '\r' || t.p[t.l - 1] == '\n'))
		t.l--;

	return text_trim(t);
}


/* "Signal=5", "Duration=160", a line each; what else there is passes. */
static int read_line(struct dtmf *dtmf, struct text line)
{
	struct text name, value;

	if (!text_cut(line, '=', &name, &value))
		return line.l ? EBADMSG : 0;
	name = text_trim(name);
	value = text_trim(value);
	if (text_is_nocase(name, "Signal"))
		return dtmf_digit(&dtmf->digit, value);
	if (text_is_nocase(name, "Duration"))
		return read_duration(dtmf, value);

	return 0;
}


int dtmf_read(struct dtmf *dtmf, struct text type, struct text body)
{
	struct text name, rest;
	bool is_plain;

	(void)text_cut(type, ';', &name, &rest);
	name = text_trim(name);
	is_plain = text_is_nocase(name, "application/dtmf");
	if (!is_plain && !text_is_nocase(name, "application/dtmf-relay"))
		return ENOTSUP;

	*dtmf = (struct dtmf){ .ms = DTMF_MS };
	if (is_plain && !dtmf_digit(&dtmf->digit, clean(body)))
		return 0;
	while (body.l) {
		struct text line;

		(void)text_cut(body, '\n', &line, &body);
		if (read_line(dtmf, clean(line)))
			return EBADMSG;
	}

	return dtmf->digit ? 0 : EBADMSG;
}


size_t dtmf_print(char dst[DTMF_BODY_MAX], const struct dtmf *dtmf)
{
	(void)text_print(dst, DTMF_BODY_MAX, "Signal=%c\r\nDuration=%u\r\n",
			 dtmf->digit, (unsigned)dtmf->ms);

	return strlen(dst);
}
