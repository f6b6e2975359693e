/**
 * @file shared/reg/asking.c  REGISTERs, as sipd tells them to regd
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "shared/reg/asking.h"

enum {
	ALIGN = 8,
	IS_STAR = 1 << 0,
	IS_NAT = 1 << 1,
};

struct row {
	uint32_t size; /**< All of it, and what aligns the next */
	uint8_t terminal_kind;
	uint8_t transport;
	uint8_t flags;
	uint8_t contactc;
	uint32_t terminal;
	uint32_t expires;
	uint32_t cseq;
	uint32_t listener;
	uint64_t call_id;
	uint64_t request;
	uint64_t connection;
	struct addr source;
	uint16_t path_len, agent_len;
	uint32_t pad;
};
BUILD_ASSERT(sizeof(struct row) == 80);

struct contact {
	uint32_t expires;
	uint32_t len;
};


static size_t aligned(size_t len)
{
	return (len + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}


static bool size_of(size_t *sizep, const struct asking *a)
{
	size_t size = sizeof(struct row) + a->path.l + a->agent.l +
		      a->contactc * sizeof(struct contact);

	if (a->contactc > ASKING_CONTACTS_MAX ||
	    a->path.l > BINDING_PATH_MAX || a->agent.l > ASKING_AGENT_MAX)
		return false;
	for (size_t i = 0; i < a->contactc; i++) {
		if (a->contacts[i].uri.l > BINDING_CONTACT_MAX)
			return false;
		size += a->contacts[i].uri.l;
	}
	*sizep = aligned(size);

	return true;
}


static uint8_t *put(uint8_t *p, const void *data, size_t len)
{
	if (len > 0)
		memcpy(p, data, len);

	return p + len;
}


int asking_put(uint8_t *rows, size_t size, size_t *lenp,
	       const struct asking *a)
{
	struct row row = {
		.terminal_kind = (uint8_t)a->terminal.kind,
		.transport = (uint8_t)a->transport,
		.flags = (uint8_t)((a->is_star ? IS_STAR : 0) |
				   (a->is_nat ? IS_NAT : 0)),
		.contactc = (uint8_t)a->contactc,
		.terminal = a->terminal.id,
		.expires = a->expires,
		.cseq = a->cseq,
		.listener = a->listener,
		.call_id = a->call_id,
		.request = a->request,
		.connection = a->connection,
		.source = a->source,
		.path_len = (uint16_t)a->path.l,
		.agent_len = (uint16_t)a->agent.l,
	};
	uint8_t *const begin = rows + *lenp, *p = begin;
	size_t whole;

	if (!size_of(&whole, a) || *lenp > size || whole > size - *lenp)
		return EMSGSIZE;

	row.size = (uint32_t)whole;
	p = put(p, &row, sizeof(row));
	for (size_t i = 0; i < a->contactc; i++) {
		const struct contact contact = {
			a->contacts[i].expires,
			(uint32_t)a->contacts[i].uri.l,
		};

		p = put(p, &contact, sizeof(contact));
	}
	for (size_t i = 0; i < a->contactc; i++)
		p = put(p, a->contacts[i].uri.p, a->contacts[i].uri.l);
	p = put(p, a->path.p, a->path.l);
	p = put(p, a->agent.p, a->agent.l);
	memset(p, 0, whole - (size_t)(p - begin));
	*lenp += whole;

	return 0;
}


static void take_row(struct asking *a, const struct row *row)
{
	a->terminal.kind = (enum terminal_kind)row->terminal_kind;
	a->terminal.id = row->terminal;
	a->transport = row->transport;
	a->is_star = (row->flags & IS_STAR) != 0;
	a->is_nat = (row->flags & IS_NAT) != 0;
	a->expires = row->expires;
	a->cseq = row->cseq;
	a->listener = row->listener;
	a->call_id = row->call_id;
	a->request = row->request;
	a->connection = row->connection;
	a->source = row->source;
	a->contactc = row->contactc;
}


static bool is_row(const struct row *row)
{
	return row->terminal_kind > TERMINAL_NONE &&
	       row->terminal_kind < TERMINAL_KINDC && row->terminal != 0 &&
	       row->transport >= 1 && row->transport <= 3 &&
	       row->contactc <= ASKING_CONTACTS_MAX &&
	       row->path_len <= BINDING_PATH_MAX &&
	       row->agent_len <= ASKING_AGENT_MAX &&
	       (row->source.family == AF_INET ||
		row->source.family == AF_INET6) &&
	       row->size % ALIGN == 0;
}


/* What is left of a row */
struct cursor {
	const uint8_t *p;
	size_t left;
};


static bool take(struct cursor *cursor, void *dst, size_t len)
{
	if (len > cursor->left)
		return false;
	memcpy(dst, cursor->p, len);
	cursor->p += len;
	cursor->left -= len;

	return true;
}


static bool take_text(struct cursor *cursor, struct text *t, size_t len)
{
	if (len > cursor->left)
		return false;
	*t = (struct text){ (const char *)cursor->p, len };
	cursor->p += len;
	cursor->left -= len;

	return true;
}


static bool take_contacts(struct cursor *cursor, struct asking *a)
{
	for (size_t i = 0; i < a->contactc; i++) {
		struct contact contact;

		if (!take(cursor, &contact, sizeof(contact)) ||
		    contact.len == 0 || contact.len > BINDING_CONTACT_MAX)
			return false;
		a->contacts[i].expires = contact.expires;
		a->contacts[i].uri.l = contact.len;
	}
	for (size_t i = 0; i < a->contactc; i++)
		if (!take_text(cursor, &a->contacts[i].uri,
			       a->contacts[i].uri.l))
			return false;

	return true;
}


int asking_next(struct asking *a, const uint8_t *rows, size_t len, size_t *atp)
{
	struct cursor cursor = { rows + *atp, len - *atp };
	struct row row;

	if (cursor.left == 0)
		return ENOENT;
	if (!take(&cursor, &row, sizeof(row)) || !is_row(&row) ||
	    row.size < sizeof(row) || row.size - sizeof(row) > cursor.left)
		return EBADMSG;

	cursor.left = row.size - sizeof(row);
	take_row(a, &row);
	if (!take_contacts(&cursor, a) ||
	    !take_text(&cursor, &a->path, row.path_len) ||
	    !take_text(&cursor, &a->agent, row.agent_len) ||
	    cursor.left >= ALIGN)
		return EBADMSG;
	*atp += row.size;

	return 0;
}
