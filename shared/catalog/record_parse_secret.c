/**
 * @file shared/catalog/record_parse_secret.c  What passwords are kept as
 */
#include <errno.h>
#include <string.h>

#include "shared/catalog/record_form.h"


static int take_hash(void *dst, size_t size, struct text t)
{
	size_t len;

	return text_unhex(dst, size, &len, t) || len != size ? EBADMSG : 0;
}


/* realm TAB MD5 TAB SHA-256 */
int record_parse_ha1(struct record_item *item,
		     const struct record_field *field, struct text t)
{
	struct cat_ha1 *ha1 = &item->u.ha1;
	struct text realm, md5, sha256;
	(void)field;

	if (!text_cut(t, '\t', &realm, &t) ||
	    !text_cut(t, '\t', &md5, &sha256))
		return EBADMSG;
	if (realm.l < 1 || realm.l > 255 || !text_is_printable(realm) ||
	    text_trim(realm).l != realm.l)
		return EBADMSG;
	item->text = realm;

	return take_hash(ha1->md5, sizeof(ha1->md5), md5) ||
			       take_hash(ha1->sha256, sizeof(ha1->sha256),
					 sha256)
		       ? EBADMSG
		       : 0;
}


static int base64_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}


/* Strict, so that one sequence of bytes has one text: no bits left over */
int record_unbase64(uint8_t *dst, size_t *lenp, struct text t)
{
	uint32_t bits = 0, bitc = 0;
	size_t len = 0, padding = 0;

	if (t.l % 4 != 0)
		return EBADMSG;
	while (padding < 2 && t.l > 0 && t.p[t.l - 1] == '=') {
		padding++;
		t.l--;
	}

	for (size_t i = 0; i < t.l; i++) {
		const int value = base64_value(t.p[i]);

		if (value < 0)
			return EBADMSG;
		bits = (bits << 6 | (uint32_t)value) & 0xffff;
		bitc += 6;
		if (bitc >= 8) {
			bitc -= 8;
			if (dst)
				dst[len] = (uint8_t)(bits >> bitc);
			len++;
		}
	}
	if (bits & ((1u << bitc) - 1))
		return EBADMSG;
	*lenp = len;

	return 0;
}


int record_parse_sealed(struct record_item *item,
			const struct record_field *field, struct text t)
{
	size_t len;

	if (text_is_nocase(t, "none"))
		t.l = 0;
	if (t.l > (size_t)field->max)
		return ERANGE;
	item->text = t;

	return record_unbase64(NULL, &len, t);
}
