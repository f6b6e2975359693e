/**
 * @file sipd/register_parse.h  What a REGISTER asks for
 *
 * registration 1, 2 and 4, RFC 3261 10.3. Pure: the message in, what regd is
 * asked out; names are looked up by who calls.
 */
#ifndef TANDEM_SIPD_REGISTER_PARSE_H
#define TANDEM_SIPD_REGISTER_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sipd/message.h"

enum {
	REGISTER_CONTACTS_MAX = 32,
	REGISTER_URI_MAX = 512,  /**< Bytes of a Contact URI */
	REGISTER_PATH_MAX = 512, /**< Bytes of all Path values */
};

/** Expires that nobody said */
#define REGISTER_NO_EXPIRES UINT32_MAX

struct register_contact {
	struct text uri;
	uint32_t expires_s; /**< REGISTER_NO_EXPIRES: it did not say */
};

struct register_ask {
	uint32_t expires_s; /**< Of the header, or REGISTER_NO_EXPIRES */
	bool is_star;
	size_t contactc;
	struct register_contact contacts[REGISTER_CONTACTS_MAX];
};

/** What it asks for; texts lie in the message
 *  @return 0; 400: it cannot be understood; 403: more than anybody may have */
unsigned register_parse(struct register_ask *ask, const struct message *m);

/** The user part of To: whose bindings these are. @return 0, EBADMSG */
int register_terminal(struct text *userp, const struct message *m);

/** All Path values as one, in their order; dst holds REGISTER_PATH_MAX + 1.
 *  @return 0, or EMSGSIZE */
int register_path(char *dst, size_t size, const struct message *m);

/** An extension it requires that we do not have; false: none */
bool register_lacks(const struct message *m, struct text *namep);

/** Where a device says that it is: a host, by address or name */
struct register_place {
	struct text host;
	uint16_t port; /**< 5060 if it said none */
};

enum {
	REGISTER_PLACES_MAX = 2
};

/** Top Via and first Contact. @return how many there are */
size_t register_places(struct register_place places[REGISTER_PLACES_MAX],
		       const struct message *m,
		       const struct register_ask *ask);

/** Is the source one of these addresses, and its port this one? */
bool register_is_there(const struct addr *source, const struct addr *addrs,
		       size_t addrc, uint16_t port);

#endif
