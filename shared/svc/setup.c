/**
 * @file shared/svc/setup.c  From the Setup frame to what a daemon lives on
 *
 * The supervisor is trusted to mean well, not to be of the same release: every
 * layout is compared before a byte of a segment is read, and what does not fit
 * is said in words.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "shared/base/text.h"
#include "shared/catalog/catalog.h"
#include "shared/shm/counters.h"
#include "shared/svc/svc_parts.h"


enum {
	SEGMENT_FDS = 256, /**< Inherited segments have lower numbers */
};


/* Through its wire form: the one deep copy protobuf-c knows. */
Tandem__Node *node_copy(const Tandem__Node *node)
{
	const size_t size = tandem__node__get_packed_size(node);
	uint8_t *data = malloc(size ? size : 1);
	Tandem__Node *copy;

	if (!data)
		return NULL;

	(void)tandem__node__pack(node, data);
	copy = tandem__node__unpack(NULL, size, data);
	free(data);

	return copy;
}


size_t links_copy(struct bus_link *dst, Tandem__Link *const *links,
		  size_t linkc)
{
	size_t n = 0;

	for (size_t i = 0; i < linkc && n < LINKS_MAX; i++)
		if (links[i]->peer > PEER_NONE && links[i]->peer < PEERC)
			dst[n++].id =
				(struct peer_id){ (uint16_t)links[i]->peer,
						  (uint16_t)links[i]->worker };

	return n;
}


static const Tandem__Segment *segment_find(const Tandem__Setup *setup,
					   const char *name)
{
	for (size_t i = 0; i < setup->n_segments; i++)
		if (strcmp(setup->segments[i]->name, name) == 0)
			return setup->segments[i];

	return NULL;
}


/* Map it if it is what we understand; how many slots it has is the
 * supervisor's to say. */
static int map_one(struct segment *segment, const Tandem__Setup *setup,
		   const struct svc_segment *want, char why[SVC_WHY_MAX])
{
	const Tandem__Segment *given = segment_find(setup, want->name);
	struct segment_layout layout, found;
	char detail[SVC_WHY_MAX - 64] = "";
	int err;

	if (!given || given->writable != want->writable) {
		(void)text_print(why, SVC_WHY_MAX,
				 "segment %s: the supervisor does not hand it "
				 "out %s",
				 want->name,
				 want->writable ? "for writing" : "");
		return EPROTO;
	}

	layout = (struct segment_layout){ .magic = want->magic,
					  .version = want->version,
					  .slot_size = want->slot_size };
	err = segment_peek(&found, given->fd);
	if (!err) {
		layout.slotc = found.slotc;
		err = segment_map(segment, given->fd, &layout, want->writable,
				  detail, sizeof(detail));
	}
	if (err)
		(void)text_print(why, SVC_WHY_MAX, "segment %s: %s",
				 want->name,
				 detail[0] ? detail : strerror(err));

	return err;
}


/* The same segment as the release before us left it, to be converted */
static void map_old(struct mapped *mapped, const Tandem__Setup *setup,
		    const struct svc_segment *want)
{
	const Tandem__Segment *given = segment_find(setup, want->name);
	struct segment_layout layout;
	char why[SVC_WHY_MAX];

	if (given->old_fd < 0 || segment_peek(&layout, given->old_fd) != 0 ||
	    layout.magic != want->magic || layout.version + 1 != want->version)
		return;

	(void)segment_map(&mapped->old, given->old_fd, &layout, want->writable,
			  why, sizeof(why));
}


static int map_segments(struct svc *svc, const Tandem__Setup *setup,
			char why[SVC_WHY_MAX])
{
	for (size_t i = 0; i < svc->def->segmentc; i++) {
		const struct svc_segment *want = &svc->def->segments[i];
		struct mapped *mapped = &svc->segments[svc->segmentc];
		int err;

		if (svc->segmentc == SEGMENTS_MAX)
			return ENOSPC;

		err = map_one(&mapped->now, setup, want, why);
		if (err)
			return err;
		(void)text_print(mapped->name, sizeof(mapped->name), "%s",
				 want->name);
		svc->segmentc++;
		map_old(mapped, setup, want);
	}

	return 0;
}


/* Of what a spare has inherited, the page of who works */
static bool is_life(int fd, struct segment_layout *layout)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       segment_peek(layout, fd) == 0 && layout->magic == LIFE_MAGIC &&
	       layout->version == LIFE_VERSION &&
	       layout->slot_size == sizeof(struct life) && layout->slotc > 0;
}


void setup_await_end(int channel_fd)
{
	char why[SVC_WHY_MAX];
	struct segment_layout layout;
	struct segment segment;

	for (int fd = channel_fd + 1; fd < SEGMENT_FDS; fd++) {
		struct life *life;

		if (!is_life(fd, &layout) ||
		    segment_map(&segment, fd, &layout, true, why,
				sizeof(why)) != 0)
			continue;
		life = segment_slot(&segment, 0);
		heir_await(&life->owner, channel_fd);
		segment_unmap(&segment);
		return;
	}
}


/* What the predecessor said about its end, before it is written over */
static bool has_crashed(const struct life *life)
{
	return atomic_load(&life->exit_signal) != 0;
}


static int begin_life(struct svc *svc, const Tandem__Setup *setup,
		      char why[SVC_WHY_MAX])
{
	const struct svc_segment want = { "life", LIFE_MAGIC, LIFE_VERSION,
					  sizeof(struct life), true };
	struct life *life;
	int err;

	err = map_one(&svc->life_segment, setup, &want, why);
	if (err)
		return err;

	life = segment_slot(&svc->life_segment, 0);
	svc->predecessor_crashed = has_crashed(life);
	svc->life = life;
	atomic_store(&life->exit_signal, 0);
	atomic_store(&life->exit_code, 0);
	atomic_store(&life->generation, setup->generation);
	atomic_store(&life->started_us, clk_mono_us());
	atomic_store(&life->beat_us, clk_mono_us());
	(void)text_print(life->version, sizeof(life->version), "%s",
			 TANDEM_VERSION);
	atomic_store(&life->pid, getpid());
	heir_own(&svc->heir, &life->owner);
	life_state_set(svc, LIFE_STARTING);
	fatal_life(life);

	return 0;
}


static int attach_counters(struct svc *svc, const Tandem__Setup *setup,
			   char why[SVC_WHY_MAX])
{
	const struct svc_segment want = { "counters", COUNTERS_MAGIC,
					  COUNTERS_VERSION, COUNTERS_SIZE,
					  true };
	int err;

	err = metric_setup(svc->def->metrics, svc->def->metricc);
	if (!err)
		err = map_one(&svc->counters_segment, setup, &want, why);
	if (err)
		return err;

	err = counters_attach(&svc->counters_segment,
			      segment_find(setup, "counters")->old_fd);
	if (err == EBADMSG) {
		log_warn(&svc->log, "counters_cleared why=damaged");
		err = 0;
	}
	metric_set(M_BUILD_INFO, 1);
	metric_set(M_CONFIG_VERSION, (int64_t)setup->node->config_version);

	return err;
}


static bool writes_catalog(const struct svc *svc)
{
	return svc_segment(svc, "catalog") != NULL;
}


/* Everybody but its writer reads it. */
static int open_catalog(struct svc *svc, const Tandem__Setup *setup,
			char why[SVC_WHY_MAX])
{
	const struct svc_segment want = { "catalog", CATALOG_MAGIC,
					  CATALOG_VERSION, CATALOG_SLOT_SIZE,
					  false };
	int err;

	if (writes_catalog(svc))
		return 0;

	err = map_one(&svc->catalog_segment, setup, &want, why);
	if (!err)
		err = catalog_reader_alloc(&svc->catalog,
					   &svc->catalog_segment,
					   setup->node->shm_prefix);

	return err;
}


/* A socket that waits for the next supervisor is not one to serve on. */
static void take_adopt_fd(struct svc *svc)
{
	struct svc_socket socket;

	if (svc_socket(svc, TANDEM__SOCKET_USE__SOCKET_USE_ADOPT, 0,
		       &socket) == 0)
		svc->adopt_fd = socket.fd;
}


int setup_apply(struct svc *svc, const Tandem__Setup *setup,
		char why[SVC_WHY_MAX])
{
	char process[PEER_ID_MAX];
	int err;

	if (!setup->node) {
		(void)text_print(why, SVC_WHY_MAX, "a Setup without a node");
		return EPROTO;
	}
	svc->node = node_copy(setup->node);
	if (!svc->node)
		return ENOMEM;

	log_setup(peer_id_print(svc->self, process),
		  (enum log_level)setup->log_level,
		  setup->log_format == LOG_TEXT ? LOG_TEXT : LOG_JSON);
	svc->generation = setup->generation;
	svc->beat_ms = setup->beat_ms ? setup->beat_ms : 200;
	svc->linkc = links_copy(svc->links, setup->links, setup->n_links);

	err = runs_add(&svc->sockets, setup->sockets, setup->n_sockets, NULL,
		       0);
	if (!err)
		err = begin_life(svc, setup, why);
	if (!err)
		err = attach_counters(svc, setup, why);
	if (!err)
		err = map_segments(svc, setup, why);
	if (!err)
		err = open_catalog(svc, setup, why);
	take_adopt_fd(svc);

	/* Mapped: the descriptors have done their work. */
	for (size_t i = 0; i < setup->n_segments; i++) {
		(void)close(setup->segments[i]->fd);
		if (setup->segments[i]->old_fd >= 0)
			(void)close(setup->segments[i]->old_fd);
	}

	return err;
}


void setup_undo(struct svc *svc)
{
	if (svc->life) {
		life_state_set(svc, LIFE_ENDED);
		heir_disown(&svc->heir, &svc->life->owner);
	}
	fatal_life(NULL);
	svc->life = NULL;
	metric_detach();
	for (size_t i = 0; i < svc->segmentc; i++) {
		segment_unmap(&svc->segments[i].now);
		if (svc->segments[i].old.size)
			segment_unmap(&svc->segments[i].old);
	}
	svc->segmentc = 0;
	svc->catalog = catalog_reader_free(svc->catalog);
	if (svc->catalog_segment.size)
		segment_unmap(&svc->catalog_segment);
	if (svc->life_segment.size)
		segment_unmap(&svc->life_segment);
	if (svc->counters_segment.size)
		segment_unmap(&svc->counters_segment);
	runs_close(&svc->sockets);
	if (svc->node)
		tandem__node__free_unpacked(svc->node, NULL);
	svc->node = NULL;
}
