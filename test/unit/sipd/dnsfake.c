/**
 * @file test/unit/sipd/dnsfake.c  A DNS server that answers from a table
 */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "test/support/t.h"
#include "test/unit/sipd/dnsfake.h"

enum {
	PACKET_MAX = 1500,
};


static uint8_t *put16(uint8_t *p, unsigned v)
{
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)v;

	return p;
}


static uint8_t *put_name(uint8_t *p, const char *name)
{
	while (*name) {
		const size_t l = strcspn(name, ".");

		*p++ = (uint8_t)l;
		memcpy(p, name, l);
		p += l;
		name += l + (name[l] == '.');
	}
	*p++ = 0;

	return p;
}


static uint8_t *put_data(uint8_t *p, const struct row *row)
{
	if (row->type == TYPE_A) {
		assert_int_equal(inet_pton(AF_INET, row->text, p), 1);
		return p + 4;
	}
	if (row->type == TYPE_AAAA) {
		assert_int_equal(inet_pton(AF_INET6, row->text, p), 1);
		return p + 16;
	}
	if (row->type == TYPE_SRV) {
		p = put16(p, row->priority);
		p = put16(p, row->weight);
		p = put16(p, row->port);
	}

	return put_name(p, row->text);
}


static uint8_t *put_row(uint8_t *p, const char *name, const struct row *row,
			unsigned *countp)
{
	uint8_t *lenp;

	(*countp)++;
	p = put_name(p, name);
	p = put16(p, row->type);
	p = put16(p, 1);
	p = put16(p, row->ttl >> 16);
	p = put16(p, row->ttl & 0xffff);
	lenp = p;
	p = put_data(p + 2, row);
	(void)put16(lenp, (unsigned)(p - lenp - 2));

	return p;
}


/* The name of the question, as text; what follows it is its type. */
static const uint8_t *get_name(const uint8_t *p, char name[256])
{
	size_t l = 0;

	while (*p) {
		if (l)
			name[l++] = '.';
		memcpy(name + l, p + 1, *p);
		l += *p;
		p += 1 + *p;
	}
	name[l] = '\0';

	return p + 1;
}


/* The rows of a name; *aliasp: what it is an alias of */
static uint8_t *answers(const struct dnsfake *f, uint8_t *p, const char *name,
			unsigned type, const char **aliasp, unsigned *countp)
{
	*aliasp = NULL;
	for (size_t i = 0; i < f->rowc; i++) {
		const struct row *row = &f->rows[i];

		if (strcasecmp(row->name, name) != 0 ||
		    (row->type != type && row->type != TYPE_CNAME))
			continue;
		p = put_row(p, row->name, row, countp);
		if (row->type == TYPE_CNAME)
			*aliasp = row->text;
	}

	return p;
}


static size_t serve(struct dnsfake *f, uint8_t *packet, unsigned *typep)
{
	const char *alias = NULL;
	unsigned count = 0;
	const uint8_t *end;
	char name[256];
	uint8_t *p;

	end = get_name(packet + 12, name);
	*typep = (unsigned)end[0] << 8 | end[1];
	p = packet + (end - packet) + 4;
	if (!f->any)
		for (const char *at = name; at; at = alias)
			p = answers(f, p, at, *typep, &alias, &count);
	else if (f->any->type == *typep)
		p = put_row(p, name, f->any, &count);
	packet[2] = 0x81;
	packet[3] = (uint8_t)(0x80 | (count ? 0 : f->rcode));
	(void)put16(packet + 6, count);
	(void)put16(packet + 8, 0);
	(void)put16(packet + 10, 0);

	return (size_t)(p - packet);
}


static void on_packet(int flags, void *arg)
{
	struct dnsfake *f = arg;
	uint8_t packet[PACKET_MAX] = { 0 };
	struct sockaddr_in from = { .sin_port = 0 };
	socklen_t fromlen = sizeof(from);
	unsigned type;
	size_t l;

	(void)flags;
	while (recvfrom(f->fd, packet, 512, MSG_DONTWAIT,
			(struct sockaddr *)&from, &fromlen) > 12) {
		l = serve(f, packet, &type);
		assert_true(type < COUNT_OF(f->asked));
		f->asked[type]++;
		f->ports[f->askedc++ % COUNT_OF(f->ports)] = ntohs(
			from.sin_port);
		if (f->is_silent ||
		    (f->is_silent_to_aaaa && type == TYPE_AAAA))
			continue;
		assert_int_equal(sendto(f->fd, packet, l, 0,
					(struct sockaddr *)&from, fromlen),
				 l);
	}
}


int dnsfake_open(struct dnsfake *f, struct ev *ev)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t l = sizeof(sa);

	f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (f->fd < 0 || bind(f->fd, (struct sockaddr *)&sa, l) ||
	    getsockname(f->fd, (struct sockaddr *)&sa, &l))
		return -1;
	(void)snprintf(f->server, sizeof(f->server), "127.0.0.1:%u",
		       ntohs(sa.sin_port));

	return ev_watch(&f->watch, ev, f->fd, EV_READ, on_packet, f);
}


void dnsfake_close(struct dnsfake *f)
{
	f->watch = ev_unwatch(f->watch);
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
}
