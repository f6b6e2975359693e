/**
 * @file supervisor/setup.c  What a daemon is given to live on
 */
#include <errno.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/addr.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "supervisor/supervisor.h"

enum {
	LINKS_MAX = 64
};


static char *text_ptr(const char *s)
{
	return unconst(s);
}


/* Realms of digests where none is configured: what this node is called from
 * outside. A wildcard is every address there is. */
static void realm_add(struct setup_realms *realms, const char *name)
{
	for (size_t i = 0; i < realms->count; i++)
		if (strcmp(realms->names[i], name) == 0)
			return;
	if (realms->count == SETUP_REALMS_MAX ||
	    text_copy(realms->names[realms->count], sizeof(realms->names[0]),
		      text_of(name)))
		return;
	realms->ptrs[realms->count] = realms->names[realms->count];
	realms->count++;
}


static void realms_of_machine(struct setup_realms *realms, uint8_t family)
{
	struct ifaddrs *all, *ifa;
	char name[ADDR_TEXT_MAX];
	struct addr addr;

	if (getifaddrs(&all) != 0)
		return;
	for (ifa = all; ifa; ifa = ifa->ifa_next) {
		if (!ifa->ifa_addr || ifa->ifa_addr->sa_family != family ||
		    addr_from_sockaddr(&addr, ifa->ifa_addr,
				       family == AF_INET
					       ? sizeof(struct sockaddr_in)
					       : sizeof(struct sockaddr_in6)))
			continue;
		addr.port = 0;
		addr.scope = 0;
		if (!addr_is_linklocal(&addr))
			realm_add(realms, addr_print(&addr, name));
	}
	freeifaddrs(all);
}


void setup_realms(struct setup_realms *realms, const struct config *config)
{
	realms->count = 0;
	for (size_t i = 0; i < config->listenerc; i++) {
		const struct config_listener *l = &config->listeners[i];
		struct addr ip = l->bind;
		char name[ADDR_TEXT_MAX];

		ip.port = 0;
		if (l->advertised[0])
			realm_add(realms, l->advertised);
		if (addr_is_any(&ip))
			realms_of_machine(realms, ip.family);
		else
			realm_add(realms, addr_print(&ip, name));
	}
}


static void node_media(Tandem__Node *node, const struct config *config,
		       uint16_t worker)
{
	uint16_t first, last;

	sockets_rtp_share(config, worker, &first, &last);
	node->rtp_own_first = first;
	node->rtp_own_last = last;
	node->rtp_first = config->rtp_asked_first;
	node->rtp_last = config->rtp_asked_last;
	node->media_relay = config->media_relay;
}


void setup_node(Tandem__Node *node, struct setup_realms *realms,
		const struct config *config, struct peer_id who)
{
	const enum peer peer = (enum peer)who.peer;
	const bool has_database = peer == PEER_BILLINGD;

	tandem__node__init(node);
	node->node = text_ptr(config->node);
	node->run_dir = text_ptr(config->run_dir);
	node->state_dir = text_ptr(config->state_dir);
	if (has_database) {
		node->database = text_ptr(config->database);
		node->password_file = text_ptr(config->password_file);
		node->sql_dir = text_ptr(config->sql_dir);
		node->billing_mode = text_ptr(config->billing_mode);
		node->journal_mb = config->journal_mb;
		setup_realms(realms, config);
		node->n_realms = realms->count;
		node->realms = realms->ptrs;
	}
	if (peer == PEER_SIPD)
		node->dns_server = text_ptr(config->dns_server);
	if (peer == PEER_MEDIAD)
		node_media(node, config, who.worker);
	node->shm_prefix = text_ptr(config->shm_prefix);
	node->key_file = text_ptr(config->key_file);
	node->user = text_ptr(config->user[peer]);
	node->group = text_ptr(config->group);
	node->calls = config->calls;
	node->bindings = config->bindings;
	node->workers = config->workers[peer];
	node->config_version = config->version;
	node->seccomp = config->seccomp;
	node->faults = config->faults;
	node->core = config->core;
	node->lock_memory = config->lock_memory;
}


size_t setup_links(Tandem__Link *rows, Tandem__Link **out, size_t most,
		   const struct config *config, struct peer_id who)
{
	size_t n = 0;

	for (size_t i = 0; i < linkc; i++) {
		const enum peer to = links[i].to;

		if (links[i].from != who.peer || !daemons[to].program)
			continue;
		for (uint16_t w = 0; w < config->workers[to] && n < most;
		     w++) {
			tandem__link__init(&rows[n]);
			rows[n].peer = to;
			rows[n].worker = w;
			out[n] = &rows[n];
			n++;
		}
	}

	return n;
}


static void adopt_socket(Tandem__Socket *row, const struct child *child,
			 int fd)
{
	static char name[] = "adopt";

	tandem__socket__init(row);
	row->use = TANDEM__SOCKET_USE__SOCKET_USE_ADOPT;
	row->listener = name;
	row->fd = fd;
	row->count = 1;
	row->peer = child->id.peer;
	row->worker = child->id.worker;
}


int setup_send(struct supervisor *sup, struct child *child, int adopt_fd)
{
	Tandem__Segment segment_rows[SEGMENTS_PER_PEER];
	Tandem__Segment *segment_ptrs[SEGMENTS_PER_PEER];
	Tandem__Link link_rows[LINKS_MAX], *link_ptrs[LINKS_MAX];
	Tandem__Socket *runs, adopt, **socket_ptrs;
	Tandem__ControlFrame frame;
	struct setup_realms realms;
	Tandem__Setup setup;
	Tandem__Node node;
	size_t runc;
	int err;

	err = sockets_runs(sup->sockets, child->id, SOCKETS_HELD, &runs,
			   &runc);
	if (err)
		return err;
	socket_ptrs = malloc((runc + 1) * sizeof(Tandem__Socket *));
	if (!socket_ptrs) {
		free(runs);
		return ENOMEM;
	}

	adopt_socket(&adopt, child, adopt_fd);
	socket_ptrs[0] = &adopt;
	for (size_t i = 0; i < runc; i++)
		socket_ptrs[i + 1] = &runs[i];

	tandem__setup__init(&setup);
	setup_node(&node, &realms, &sup->config, child->id);
	setup.node = &node;
	setup.n_sockets = runc + 1;
	setup.sockets = socket_ptrs;
	setup.n_segments = segments_of(sup->segments, child->id, segment_rows);
	for (size_t i = 0; i < setup.n_segments; i++)
		segment_ptrs[i] = &segment_rows[i];
	setup.segments = segment_ptrs;
	setup.generation = child->generation;
	setup.beat_ms = BEAT_MS;
	setup.n_links = setup_links(link_rows, link_ptrs, LINKS_MAX,
				    &sup->config, child->id);
	setup.links = link_ptrs;
	setup.log_level = log_level_get();
	setup.log_format = sup->config.log_format;

	tandem__control_frame__init(&frame);
	frame.body_case = CTL_BODY(SETUP);
	frame.setup = &setup;
	err = channel_send(child->channel, &frame, NULL, 0);

	free(socket_ptrs);
	free(runs);

	return err;
}
