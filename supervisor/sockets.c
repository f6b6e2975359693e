/**
 * @file supervisor/sockets.c  Every public socket of the cluster
 *
 * One row per socket. What the file asks for is first written as rows without
 * descriptors, in the order in which they are to be opened (so that those of
 * one process get consecutive numbers), and then matched with what is held: a
 * socket is the same if use, address, port and owner are.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/text.h"
#include "shared/base/util.h"
#include "supervisor/rtpset.h"
#include "supervisor/sockets_int.h"

struct sockets {
	struct table held;
	struct table wanted; /**< Between prepare and its end */
	bool preparing;
	size_t later;     /**< Ports that another prepare can have */
	uint64_t version; /**< Of held */
};


/* --- rows ------------------------------------------------------------------ */

static void table_free(struct table *table)
{
	free(table->rows);
	*table = (struct table){ NULL, 0, 0 };
}


static bool same(const struct row *a, const struct row *b)
{
	return a->use == b->use && peer_id_equal(a->owner, b->owner) &&
	       addr_equal(&a->addr, &b->addr);
}


static struct row *table_find(const struct table *table,
			      const struct row *like)
{
	for (size_t i = 0; i < table->rowc; i++)
		if (same(&table->rows[i], like))
			return &table->rows[i];

	return NULL;
}


/* Rows lie in the order of their ports, mostly where the other table has
 * them: look there first, so that ten thousand are not a hundred million. */
static struct row *table_find_near(const struct table *table,
				   const struct row *like, size_t *hint)
{
	if (*hint < table->rowc && same(&table->rows[*hint], like))
		return &table->rows[(*hint)++];

	for (size_t i = 0; i < table->rowc; i++) {
		if (same(&table->rows[i], like)) {
			*hint = i + 1;
			return &table->rows[i];
		}
	}

	return NULL;
}


int sockets_alloc(struct sockets **sp)
{
	struct sockets *s = calloc(1, sizeof(*s));

	if (!s)
		return ENOMEM;

	*sp = s;

	return 0;
}


static void close_all(struct table *table)
{
	for (size_t i = 0; i < table->rowc; i++)
		if (table->rows[i].fd >= 0)
			(void)close(table->rows[i].fd);
	table_free(table);
}


struct sockets *sockets_free(struct sockets *s)
{
	if (!s)
		return NULL;

	if (s->preparing)
		sockets_rollback(s);
	close_all(&s->held);
	free(s);

	return NULL;
}


/* --- opening
 * ----------------------------------------------------------------- */

/* Another process's of now: it goes to its new owner as it is, with what waits
 * in it. */
static bool row_move(const struct sockets *s, struct row *row)
{
	for (size_t i = 0; i < s->held.rowc; i++) {
		const struct row *old = &s->held.rows[i];

		if (old->use == row->use && !row_is_grouped(row->use) &&
		    row->use != TANDEM__SOCKET_USE__SOCKET_USE_RTP_SET &&
		    addr_equal(&old->addr, &row->addr)) {
			row->fd = fcntl(old->fd, F_DUPFD_CLOEXEC, 3);
			return row->fd >= 0;
		}
	}

	return false;
}


/* Is the whole group new? Then nobody else may have the address. */
static bool is_first_of_group(const struct sockets *s, const struct row *row)
{
	const struct table *tables[] = { &s->held, &s->wanted };

	if (!row_is_grouped(row->use))
		return false;

	for (size_t t = 0; t < COUNT_OF(tables); t++)
		for (size_t i = 0; i < tables[t]->rowc; i++) {
			const struct row *other = &tables[t]->rows[i];

			if (other->fd >= 0 && other->use == row->use &&
			    addr_equal(&other->addr, &row->addr))
				return false;
		}

	return true;
}


/* What is held stays as it is. */
static int row_get(const struct sockets *s, struct row *row, size_t *hint)
{
	int err = 0;

	if (table_find_near(&s->held, row, hint) || row_move(s, row))
		return 0;
	if (is_first_of_group(s, row))
		err = row_check_free(row);

	return err ? err : row_open(row);
}


/* A set that is new gets all of its worker's, others what is new. */
static int fill_sets(const struct sockets *s)
{
	size_t hint = 0;
	int set_fd = -1, err = 0;
	bool is_new = false;

	for (size_t i = 0; i < s->wanted.rowc && !err; i++) {
		const struct row *row = &s->wanted.rows[i];
		const bool is_opened = row->fd >= 0;

		if (!is_opened)
			row = table_find_near(&s->held, row, &hint);
		if (row->use == TANDEM__SOCKET_USE__SOCKET_USE_RTP_SET) {
			set_fd = row->fd;
			is_new = is_opened;
		}
		else if (row->use == TANDEM__SOCKET_USE__SOCKET_USE_RTP &&
			 (is_new || is_opened)) {
			err = rtpset_add(set_fd, row->fd, row->addr.port);
		}
	}

	return err;
}


int sockets_prepare(struct sockets *s, const struct config *config,
		    char why[SOCKETS_WHY_MAX])
{
	size_t hint = 0;
	int err;

	if (s->preparing)
		sockets_rollback(s);
	s->preparing = true;

	err = sockets_want(&s->wanted, config, &s->held, &s->later);
	for (size_t i = 0; i < s->wanted.rowc && !err; i++) {
		struct row *row = &s->wanted.rows[i];

		err = row_get(s, row, &hint);
		if (err)
			row_explain(row, err, why);
	}
	if (!err)
		err = fill_sets(s);
	if (err)
		sockets_rollback(s);

	return err;
}


/* Rows of the new file take the place of the old ones, with the descriptors
 * of those that stay. */
void sockets_commit(struct sockets *s)
{
	size_t hint = 0;

	if (!s->preparing)
		return;

	for (size_t i = 0; i < s->wanted.rowc; i++) {
		struct row *row = &s->wanted.rows[i];
		struct row *old = row->fd < 0 ? table_find_near(&s->held, row,
								&hint)
					      : NULL;

		if (old) {
			row->fd = old->fd;
			old->fd = -1;
		}
	}
	close_all(&s->held);
	s->held = s->wanted;
	s->version++;
	s->wanted = (struct table){ NULL, 0, 0 };
	s->preparing = false;
}


void sockets_rollback(struct sockets *s)
{
	close_all(&s->wanted);
	s->preparing = false;
	s->later = 0;
}


size_t sockets_unused(struct sockets *s, struct peer_id who, uint32_t first,
		      uint32_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < s->held.rowc; i++) {
		struct row *row = &s->held.rows[i];

		if (row->is_retired && !row->is_unused &&
		    peer_id_equal(row->owner, who) &&
		    row->addr.port >= first &&
		    row->addr.port - first < count) {
			row->is_unused = true;
			n++;
		}
	}

	return n;
}


bool sockets_wants_more(const struct sockets *s)
{
	return !s->preparing && s->later > 0;
}


/* --- found elsewhere
 * --------------------------------------------------------- */

size_t sockets_offer(struct sockets *s, const Tandem__Socket *run,
		     const int *fds, size_t fdc)
{
	size_t kept = 0;

	for (size_t i = 0; i < fdc; i++) {
		struct row row = {
			.use = run->use,
			.owner = { (uint16_t)run->peer,
				   (uint16_t)run->worker },
			.fd = fds[i],
		};
		const bool sound = addr_parse(&row.addr, text_of(run->bind)) ==
					   0 &&
				   run->port + i <= 65535 &&
				   text_copy(row.listener,
					     sizeof(row.listener),
					     text_of(run->listener)) == 0;

		row.addr.port = (uint16_t)(run->port + i);
		if (sound && row_is_real(&row) &&
		    !table_find(&s->held, &row) &&
		    sockets_push(&s->held, &row) == 0) {
			s->version++;
			kept++;
		}
		else {
			(void)close(fds[i]);
		}
	}

	return kept;
}


/* --- told to others
 * ---------------------------------------------------------- */

static enum peer keeper_of(Tandem__SocketUse use)
{
	for (size_t i = 0; i < socket_usec; i++)
		if (socket_uses[i].use == use)
			return socket_uses[i].keeper;

	return PEER_NONE;
}


static bool is_for(const struct row *row, struct peer_id who)
{
	return peer_id_equal(row->owner, who) ||
	       (keeper_of(row->use) == who.peer && who.peer != PEER_NONE);
}


static bool joins(const Tandem__Socket *run, const struct row *run_last,
		  const struct row *row)
{
	return run_last && run->use == row->use &&
	       peer_id_equal(run_last->owner, row->owner) &&
	       addr_same_ip(&run_last->addr, &row->addr) &&
	       run_last->addr.port + 1 == row->addr.port &&
	       run_last->fd + 1 == row->fd &&
	       strcmp(run_last->listener, row->listener) == 0 &&
	       row->use == TANDEM__SOCKET_USE__SOCKET_USE_RTP;
}


static void run_begin(Tandem__Socket *run, const struct row *row, char *ip)
{
	struct addr addr = row->addr;

	addr.port = 0;
	tandem__socket__init(run);
	run->use = row->use;
	run->listener = unconst(row->listener);
	run->bind = unconst(addr_print(&addr, ip));
	run->port = row->addr.port;
	run->advertised = unconst(row->advertised);
	run->certificate = unconst(row->certificate);
	run->key = unconst(row->key);
	run->fd = row->fd;
	run->count = 1;
	run->peer = row->owner.peer;
	run->worker = row->owner.worker;
}


/* Which rows of which table; what lies in without as well is left out. */
struct selection {
	const struct table *of;
	const struct table *without;
};


static struct selection select_rows(const struct sockets *s,
				    enum sockets_which which)
{
	static const struct table none;

	switch (which) {

	case SOCKETS_NEW:
		/* What prepare opened has a descriptor there. */
		return (struct selection){ s->preparing ? &s->wanted : &none,
					   NULL };

	case SOCKETS_GONE:
		return (struct selection){ s->preparing ? &s->held : &none,
					   &s->wanted };

	case SOCKETS_HELD:
	default:
		return (struct selection){ &s->held, NULL };
	}
}


/* Rows are asked in their order, which is that of the other table: hint. */
static bool is_selected(const struct selection *from, const struct row *row,
			size_t *hint)
{
	return row->fd >= 0 &&
	       !(from->without && table_find_near(from->without, row, hint));
}


/* Rows and the text of their addresses are one block, freed as one. */
struct run_text {
	char ip[ADDR_TEXT_MAX];
};


int sockets_runs(const struct sockets *s, struct peer_id who,
		 enum sockets_which which, Tandem__Socket **rowsp,
		 size_t *rowcp)
{
	const struct selection from = select_rows(s, which);
	const size_t most = from.of->rowc ? from.of->rowc : 1;
	Tandem__Socket *runs;
	struct run_text *text;
	const struct row *last = NULL;
	size_t n = 0, hint = 0;

	runs = malloc(most * (sizeof(*runs) + sizeof(*text)));
	if (!runs)
		return ENOMEM;
	text = (struct run_text *)(void *)(runs + most);

	for (size_t i = 0; i < from.of->rowc; i++) {
		const struct row *row = &from.of->rows[i];

		if (!is_for(row, who) || !is_selected(&from, row, &hint))
			continue;
		if (n > 0 && joins(&runs[n - 1], last, row)) {
			runs[n - 1].count++;
		}
		else {
			run_begin(&runs[n], row, text[n].ip);
			n++;
		}
		last = row;
	}
	*rowsp = runs;
	*rowcp = n;

	return 0;
}


size_t sockets_count(const struct sockets *s)
{
	return s->held.rowc;
}


uint64_t sockets_version(const struct sockets *s)
{
	return s->version;
}


/* "sip_udp-sipd-0-5060-127.0.0.1": what makes a socket the same. The service
 * manager takes any text without a colon, which IPv6 has: "_" for it. */
static const char *const use_names[] = {
	[TANDEM__SOCKET_USE__SOCKET_USE_NONE] = "none",
	[TANDEM__SOCKET_USE__SOCKET_USE_SIP_UDP] = "sip_udp",
	[TANDEM__SOCKET_USE__SOCKET_USE_SIP_TCP] = "sip_tcp",
	[TANDEM__SOCKET_USE__SOCKET_USE_SIP_TLS] = "sip_tls",
	[TANDEM__SOCKET_USE__SOCKET_USE_RTP] = "rtp",
	[TANDEM__SOCKET_USE__SOCKET_USE_METRICS] = "metrics",
	[TANDEM__SOCKET_USE__SOCKET_USE_ADOPT] = "adopt",
	[TANDEM__SOCKET_USE__SOCKET_USE_ECHO] = "echo",
	[TANDEM__SOCKET_USE__SOCKET_USE_RTP_SET] = "rtp_set",
};


void sockets_each(const struct sockets *s, enum sockets_which which,
		  sockets_h *h, void *arg)
{
	const struct selection from = select_rows(s, which);
	size_t hint = 0;

	for (size_t i = 0; i < from.of->rowc; i++) {
		const struct row *row = &from.of->rows[i];
		struct addr addr = row->addr;
		char name[192], ip[ADDR_TEXT_MAX];

		if (!is_selected(&from, row, &hint))
			continue;
		addr.port = 0;
		(void)addr_print(&addr, ip);
		for (char *p = ip; *p; p++)
			if (*p == ':')
				*p = '_';
		(void)text_print(name, sizeof(name), "%s-%s-%u-%u-%s",
				 use_names[row->use],
				 peer_name((enum peer)row->owner.peer),
				 row->owner.worker, row->addr.port, ip);
		h(name, row->fd, arg);
	}
}


int sockets_name_parse(Tandem__Socket *run, char *buf, size_t size,
		       const char *name)
{
	struct text use, peer, worker, port, rest = text_of(name);
	char peer_text[32];
	enum peer owner;
	uint32_t n;

	tandem__socket__init(run);
	if (!text_cut(rest, '-', &use, &rest) ||
	    !text_cut(rest, '-', &peer, &rest) ||
	    !text_cut(rest, '-', &worker, &rest) ||
	    !text_cut(rest, '-', &port, &rest) || text_copy(buf, size, rest) ||
	    text_copy(peer_text, sizeof(peer_text), peer) ||
	    peer_parse(&owner, peer_text) ||
	    text_u32(&n, worker, 0, UINT16_MAX))
		return EBADMSG;
	run->peer = owner;
	run->worker = n;
	if (text_u32(&n, port, 1, 65535))
		return EBADMSG;
	run->port = n;

	for (char *p = buf; *p; p++)
		if (*p == '_')
			*p = ':';
	run->bind = buf;
	run->count = 1;
	for (size_t i = 1; i < COUNT_OF(use_names); i++)
		if (text_is(use, use_names[i]))
			run->use = (Tandem__SocketUse)i;

	return run->use ? 0 : EBADMSG;
}
