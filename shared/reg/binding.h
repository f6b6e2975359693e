/**
 * @file shared/reg/binding.h  Who is registered, and from where
 *
 * regd writes, others look up by themselves. Two segments:
 *
 * - "bindings": slots (shared/shm/slot.h). One per binding: a device of a
 *   terminal. Texts that do not fit go on in further slots of the same
 *   segment, which are written before the binding that names them and never
 *   again.
 * - "binding_index": two chains through all bindings, by terminal and by
 *   source address and port. Every change is one store of a word, so a regd
 *   that is killed leaves chains that can be walked. A reader believes none of
 *   it: it looks at the slot, and walks again if something was taken out
 *   meanwhile.
 *
 * Slots that hold nobody any more are not to be seen here: a binding ends for
 * every reader at its second, whether regd runs or not.
 */
#ifndef TANDEM_REG_BINDING_H
#define TANDEM_REG_BINDING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/addr.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/shm/slot.h"

#define BINDINGS_MAGIC        0x444e4942 /* "BIND" */
#define BINDINGS_VERSION      1
#define BINDING_INDEX_MAGIC   0x58444e42 /* "BNDX" */
#define BINDING_INDEX_VERSION 1

enum {
	BINDING_IMAGE_SIZE = 208,
	BINDINGS_SLOT_SIZE = SLOT_SIZE(BINDING_IMAGE_SIZE),
	BINDING_TEXT_SIZE = 104, /**< In the slot itself */
	BINDING_MORE_SIZE = 192, /**< In each further one */
	BINDING_CONTACT_MAX = 512,
	BINDING_PATH_MAX = 512,
	BINDING_AGENT_MAX = 64,     /**< Longer ones are cut */
	BINDINGS_PER_TERMINAL = 10, /**< max_contacts at its most */
	BINDING_INDEX_SLOT_SIZE = 64,
	BINDING_INDEX_SLOTS = 3, /**< For 16 bindings: 12 bytes for each */
};

/** Whose binding; also which kind of record its id is one of */
enum terminal_kind {
	TERMINAL_NONE,
	TERMINAL_PHONE,
	TERMINAL_MAPPING, /**< A dynamic gateway */
	TERMINAL_ROUTING,
	TERMINAL_KINDC
};

struct terminal {
	enum terminal_kind kind;
	uint32_t id; /**< Of its record */
};

/** First byte of an image: what the slot holds */
enum binding_kind {
	BINDING_NONE,
	BINDING_DEVICE,
	BINDING_MORE, /**< More of a device's texts */
};

enum binding_flag {
	BINDING_NAT = 1 << 0,
};

/** Lies in shared memory */
struct binding_image {
	uint8_t kind; /**< BINDING_DEVICE */
	uint8_t terminal_kind;
	uint8_t transport; /**< 1 UDP, 2 TCP, 3 TLS */
	uint8_t flags;     /**< enum binding_flag */
	uint32_t terminal;
	uint32_t listener; /**< listener_mark() of the socket it came to */
	uint16_t worker;   /**< Of sipd: whose connection it is */
	uint8_t agent_len;
	uint8_t pad;
	uint32_t cseq;
	uint32_t granted_s;
	uint64_t call_id;    /**< text_mark() */
	uint64_t request;    /**< The REGISTER that made it so; see Register */
	uint64_t connection; /**< Of a stream */
	struct addr source;
	int64_t expires_wall_us;
	int64_t expires_boot_us; /**< Counts, within one boot */
	uint32_t since_s;        /**< Wall clock: when it was added */
	uint16_t contact_len, path_len;
	uint64_t more; /**< Id of the slot where the texts go on; 0: none */
	/** Contact, Path and User-Agent, one behind the other */
	char text[BINDING_TEXT_SIZE];
};
BUILD_ASSERT(sizeof(struct binding_image) == BINDING_IMAGE_SIZE);

/** Lies in shared memory */
struct binding_more_image {
	uint8_t kind; /**< BINDING_MORE */
	uint8_t len;
	uint8_t pad[6];
	uint64_t next; /**< Id of the slot where it goes on; 0: nowhere */
	char text[BINDING_MORE_SIZE];
};
BUILD_ASSERT(sizeof(struct binding_more_image) == BINDING_IMAGE_SIZE);

/** First slot of the index */
struct binding_index_head {
	/** Counts what was taken out of a chain */
	_Atomic uint64_t removals;
	_Atomic uint32_t headc; /**< Words of the table; 0: not made yet */
	_Atomic uint32_t slotc; /**< Of the bindings */
	_Atomic uint64_t secret[2];
	uint8_t pad[32];
};
BUILD_ASSERT(sizeof(struct binding_index_head) == BINDING_INDEX_SLOT_SIZE);

enum binding_key {
	BINDING_BY_TERMINAL,
	BINDING_BY_SOURCE,
	BINDING_KEYC
};

/** Each has this name everywhere and at all times, however sipd counts its
 *  listeners: of the address and port its socket is bound to
 *  @param transport 1 UDP, 2 TCP, 3 TLS */
uint32_t listener_mark(const struct addr *bound, unsigned transport);

/** A hash that all processes and releases agree on: of Call-IDs, branches */
uint64_t text_mark(struct text t);

/* --- reading -------------------------------------------------------------- */

/** A binding as it was at one moment, for its users */
struct binding {
	uint64_t id; /**< Of its slot */
	struct terminal terminal;
	unsigned transport; /**< 1 UDP, 2 TCP, 3 TLS */
	bool is_nat;
	uint32_t listener;
	uint16_t worker;
	uint64_t connection;
	struct addr source;
	uint64_t call_id; /**< text_mark() */
	uint64_t request;
	uint32_t cseq;
	uint32_t granted_s;
	int64_t since_wall_us;
	int64_t expires_wall_us;
	int64_t expires_boot_us;
	struct text contact, path, agent; /**< Of buf */
	char buf[BINDING_CONTACT_MAX + BINDING_PATH_MAX + BINDING_AGENT_MAX];
};

/** What a reader maps; may be on the stack */
struct binding_reader {
	const struct segment *bindings;
	const struct segment *index;
};

/**
 * All bindings of a terminal that live, oldest first
 *
 * @param now_boot_us clk_boot_us()
 *
 * @return how many were written, at most max
 */
size_t bindings_of(const struct binding_reader *reader,
		   struct terminal terminal, int64_t now_boot_us,
		   struct binding *list, size_t max);

enum {
	BINDINGS_AHEAD_MAX = 16, /**< As much as is under way from memory */
};

/**
 * These are looked up next: have them brought into the cache, all at a time
 *
 * @param slots Where each may lie; UINT32_MAX: nowhere. NULL: nobody asks
 */
void bindings_ahead(const struct binding_reader *reader,
		    const struct terminal terminals[], size_t count,
		    uint32_t slots[]);

/** All that live and whose REGISTER came from this address and port by this
 *  transport, oldest first
 *  @return how many were written, at most max */
size_t bindings_at(const struct binding_reader *reader,
		   const struct addr *source, unsigned transport,
		   int64_t now_boot_us, struct binding *list, size_t max);

/** @return 0, ENOENT if it is gone, or over, EAGAIN */
int binding_read(const struct binding_reader *reader, uint64_t id,
		 int64_t now_boot_us, struct binding *binding);

#endif
