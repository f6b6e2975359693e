/**
 * @file shared/auth/authn_lookup.c  Digests of the users of a catalog
 *
 * Phones by their number, mapping and dynamic routing gateways by the user
 * name of their credentials. Disabled and locked ones too: they are refused
 * after the digest (authentication 1).
 */
#include <string.h>

#include "shared/auth/authn.h"


static struct cat_span ha1_of(const struct catalog *c, struct text user,
			      enum record_kind *kindp)
{
	const struct cat_span none = { 0 };
	const struct cat_phone *phone = catalog_phone(c, user);
	const struct cat_gateway *gw;

	*kindp = RECORD_PHONE;
	if (phone)
		return phone->ha1;

	gw = catalog_terminal(c, user, kindp);
	if (!gw)
		return none;
	if (*kindp == RECORD_MAPPING)
		return ((const struct cat_mapping *)(const void *)gw)->ha1;

	return ((const struct cat_routing *)(const void *)gw)->ha1;
}


bool authn_lookup_catalog(struct text user, const char *realm,
			  enum digest_algorithm a, uint8_t ha1[DIGEST_HA1_MAX],
			  void *arg)
{
	const struct catalog *c = arg;
	enum record_kind kind;
	const struct cat_span span = ha1_of(c, user, &kind);
	const struct cat_ha1 *rows;
	size_t rowc = 0;

	rows = catalog_span(c, kind, span, sizeof(*rows), &rowc);
	for (size_t i = 0; i < rowc; i++) {
		if (strcmp(catalog_str(c, kind, rows[i].realm), realm) != 0)
			continue;
		memset(ha1, 0, DIGEST_HA1_MAX);
		memcpy(ha1, a == DIGEST_MD5 ? rows[i].md5 : rows[i].sha256,
		       digest_size(a));
		return true;
	}

	return false;
}
