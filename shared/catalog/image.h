/**
 * @file shared/catalog/image.h  What a part of a version looks like, inside
 *
 * Not for users: catalog.h and build.h are.
 *
 * A part is one immutable piece of memory: a head with a table of sections,
 * then the sections, each an array of elements of one size. Rows come first,
 * then what finds them, then the heap with texts and lists. All positions are
 * relative: a part reads the same wherever it is mapped, in a file too.
 *
 * What a reader believes: when a part is attached, its head is checked once
 * and each section's place and count are copied out of it. Everything else,
 * an offset, a row number, a parent, is checked where it is used, so that a
 * damaged part gives wrong answers at worst, never a fault or an endless
 * loop.
 */
#ifndef TANDEM_CATALOG_IMAGE_H
#define TANDEM_CATALOG_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/addr.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/catalog/catalog.h"
#include "shared/catalog/heap.h"

#define PART_MAGIC 0x74726150u /* "Part" */

enum {
	PART_VERSION = 1,
	PART_NAME_MAX = 96,
	INDEX_NONE = -1, /**< As uint32_t: no node, no parent */
};

enum section {
	SECTION_ROWS,                                  /**< + kind: rows */
	SECTION_IDS = SECTION_ROWS + RECORD_KINDC,     /**< + kind: hash */
	SECTION_NAMES = SECTION_IDS + RECORD_KINDC,    /**< + kind: hash */
	SECTION_PARAMS = SECTION_NAMES + RECORD_KINDC, /**< cat_param */
	SECTION_TERMINALS, /**< Hash of user names of gateways */
	SECTION_SETS,      /**< struct prefix_set, by owner */
	SECTION_NODES,     /**< struct prefix_node of all sets */
	SECTION_BUCKETS,   /**< uint32_t of all sets */
	SECTION_POSTINGS,  /**< uint32_t rows of routing gateways */
	SECTION_NETSETS,   /**< struct net_set, NETSETC of them */
	SECTION_NETS,      /**< struct net_node of all sets */
	SECTION_SOURCES,   /**< struct net_source */
	SECTION_ODD,  /**< uint32_t rows of RECORD_LIST: longer than a key */
	SECTION_HEAP, /**< Bytes */
	SECTIONC
};

struct part_section {
	uint64_t off;
	uint32_t count;
	uint32_t size; /**< Of an element */
};

/** First in every part */
struct part_head {
	uint32_t magic;
	uint32_t crc;        /**< CRC-32C of all behind generation */
	uint64_t generation; /**< Outside the CRC: equal parts, equal CRCs */
	uint64_t size;       /**< Of the whole */
	uint32_t part;       /**< enum catalog_part */
	uint32_t version;    /**< PART_VERSION */
	uint32_t schema;     /**< part_schema(): fields and parameters */
	uint32_t sectionc;
	struct part_section sections[SECTIONC];
};
BUILD_ASSERT(sizeof(struct part_head) == 40 + 16 * SECTIONC);

enum {
	PART_CRC_FROM = 16 /**< First byte under the CRC */
};

struct cat_param {
	int64_t number;
	int64_t second;
	cat_str text;
	uint32_t is_set;
	struct cat_span numbers; /**< int64_t */
	struct cat_span texts;   /**< cat_str */
};
BUILD_ASSERT(sizeof(struct cat_param) == 40);

/** A section as its user sees it */
struct view {
	const void *p;
	size_t count;
};

/** A part: mapped, or being made. Its users count. */
struct part {
	enum catalog_part which;
	uint32_t refc;
	uint64_t generation;
	struct view sections[SECTIONC];
	struct part_head head;
	const uint8_t *map; /**< NULL: made here, each section its own block */
	size_t size;
	bool unmaps;       /**< The mapping is ours */
	struct heap *heap; /**< Of one made here */
};

/** A version: three parts. Every pin counts, and so does its keeper. */
struct catalog {
	struct catalog_control control;
	struct part *parts[CATALOG_PARTC];
	struct catalog *self; /**< Who pins has it as const, but counts */
	uint32_t refc;
};

/* --- part.c --------------------------------------------------------------- */

/** Which part the rows of a kind lie in */
enum catalog_part part_of(enum record_kind kind);
const char *part_word(enum catalog_part which);

/** Bytes of an element */
size_t section_size(enum section section);

/** Changes with everything a row means: its fields, their places and types,
 *  the parameters */
uint32_t part_schema(void);

int part_name(char name[PART_NAME_MAX], const char *prefix,
	      enum catalog_part which, uint64_t generation);

/** A part made here, empty; part_section_give() fills it */
int part_alloc(struct part **partp, enum catalog_part which);

/** @param p malloc()ed; the part's from now on, whatever comes */
void part_section_give(struct part *part, enum section section, void *p,
		       size_t count);

/** Fix places, size and CRC of a part made here
 *  @return 0, or EOVERFLOW */
int part_seal(struct part *part);

/** Write a part that is sealed, or attached, to an empty file */
int part_write(const struct part *part, int fd, uint64_t generation);

/** Look at bytes that are said to be a part. They stay the caller's.
 *  @return 0, EPROTO: of another release; EBADMSG: damaged; ENOMEM; why in
 *          words */
int part_attach(struct part **partp, enum catalog_part which,
		const uint8_t *bytes, size_t size, char *why, size_t whysize);

/** Map the part that a control image names
 *  @return as part_attach(), ENOENT if it is gone, or errno */
int part_map(struct part **partp, const char *prefix, enum catalog_part which,
	     const struct catalog_control *control, char *why, size_t whysize);

/** Does the CRC hold? For one that is mapped or attached */
bool part_is_whole(const struct part *part);

struct part *part_ref(struct part *part);
/** @return NULL */
struct part *part_unref(struct part *part);

static inline struct view part_view(const struct part *part,
				    enum section section)
{
	return part->sections[section];
}

/* --- catalog.c ------------------------------------------------------------ */

/** @param parts Each gets one more user */
int catalog_alloc(struct catalog **cp, const struct catalog_control *control,
		  struct part *const parts[CATALOG_PARTC]);

/** Map what a control image names; parts that known has are shared with it
 *  @param known May be NULL */
int catalog_map(struct catalog **cp, const struct catalog_control *control,
		const char *prefix, const struct catalog *known, char *why,
		size_t whysize);

const struct catalog *catalog_ref(const struct catalog *c);
/** @return NULL */
struct catalog *catalog_unref(const struct catalog *c);

/** "" if it is not a text of that heap */
const char *heap_str(struct view heap, cat_str str);
/** NULL if empty or not of that heap */
const void *heap_list(struct view heap, struct cat_span span, size_t size,
		      size_t *countp);

/** Where the texts and lists of a field lie */
struct field_shape {
	bool is_str;  /**< One cat_str */
	bool is_span; /**< Elements of this size */
	uint32_t size;
	uint8_t strc;    /**< cat_str in each element */
	uint8_t strs[2]; /**< Where */
};
const struct field_shape *field_shape(enum record_type type);

/* --- index_hash.c: by id, by name ----------------------------------------- */

struct hash_slot {
	uint32_t hash;
	uint32_t value; /**< 0: free */
};
BUILD_ASSERT(sizeof(struct hash_slot) == 8);

uint32_t hash_of_id(uint32_t id);
uint32_t hash_of_text(struct text text);

/** Slots for so many; 0 for none, else a power of two */
size_t hash_slots(size_t count);
void hash_put(struct hash_slot *slots, size_t slotc, uint32_t hash,
	      uint32_t value);

/** Values under a hash, one after the other; 0 ends them */
struct hash_walk {
	const struct hash_slot *slots;
	size_t slotc;
	size_t at;
	size_t left;
	uint32_t hash;
};
struct hash_walk hash_walk(struct view slots, uint32_t hash);
uint32_t hash_next(struct hash_walk *walk);

/* --- index_prefix.c: the longest of many prefixes -------------------------- */

/** 24 characters as they compare: big-endian words, padded with NUL */
struct prefix_key {
	uint64_t w[CAT_PREFIX_MAX / 8];
};

struct prefix_node {
	struct prefix_key key;
	uint32_t parent; /**< Longest other prefix that is one of this key's;
			  *   always a lower node. INDEX_NONE */
	uint32_t value;
};
BUILD_ASSERT(sizeof(struct prefix_node) == 32);

/** Nodes that are looked up together: of a rate table, of a list */
struct prefix_set {
	uint32_t owner;
	uint32_t first, count;
	uint32_t bucket; /**< First of its buckets */
	uint32_t chars;  /**< A bucket per start of so many characters */
	uint32_t pad;
};
BUILD_ASSERT(sizeof(struct prefix_set) == 24);

enum {
	PREFIX_CHARS_MAX = 5,
};

/** Owners in the core part; rates have the table's id */
enum prefix_owner {
	PREFIX_ROUTING = 1,
	PREFIX_CALLER_BLACK,
	PREFIX_CALLEE_BLACK,
};

/** In a node of a number list */
enum prefix_flag {
	PREFIX_OPEN = 1,  /**< "123*" */
	PREFIX_EXACT = 2, /**< "123" */
};

struct prefix_index {
	const struct prefix_node *nodes;
	const uint32_t *buckets;
	uint32_t nodec;
	uint32_t chars;
};

/** The first 24 characters */
struct prefix_key prefix_key(struct text text);
int prefix_key_cmp(const struct prefix_key *a, const struct prefix_key *b);
unsigned prefix_key_len(const struct prefix_key *key);

/** Characters at the start that are the same */
unsigned prefix_key_common(const struct prefix_key *a,
			   const struct prefix_key *b);

/** How many characters buckets are made for, and how many there are */
unsigned prefix_chars(size_t nodec);
size_t prefix_buckets(unsigned chars);

/** Parents and buckets of nodes in order, each key once */
void prefix_link(struct prefix_node *nodes, uint32_t nodec);
void prefix_fill(uint32_t *buckets, unsigned chars,
		 const struct prefix_node *nodes, uint32_t nodec);

/** @return false if a part has no sound set of this owner */
bool prefix_index_of(struct prefix_index *index, const struct part *part,
		     uint32_t owner);

/** The longest prefix of this key; INDEX_NONE */
uint32_t prefix_find(const struct prefix_index *index,
		     const struct prefix_key *key);

/** The next shorter one; INDEX_NONE */
uint32_t prefix_up(const struct prefix_index *index, uint32_t node);

/* --- index_addr.c: the networks an address lies in ------------------------- */

/** Two of each: IPv4, IPv6 */
enum netset {
	NETSET_GATEWAYS,
	NETSET_BLACK = NETSET_GATEWAYS + 2,
	NETSET_WHITE = NETSET_BLACK + 2,
	NETSETC = NETSET_WHITE + 2
};

struct net_key {
	uint64_t hi, lo; /**< IPv4 in the upper half of hi */
	uint32_t len;
};

struct net_node {
	uint64_t hi, lo; /**< Host bits zero */
	uint32_t parent; /**< Smallest other network around it; INDEX_NONE */
	uint32_t source; /**< First of its sources */
	uint32_t sourcec;
	uint32_t len;
};
BUILD_ASSERT(sizeof(struct net_node) == 32);

struct net_set {
	uint32_t first, count;
};
BUILD_ASSERT(sizeof(struct net_set) == 8);

struct net_source {
	uint32_t kind; /**< enum record_kind */
	uint32_t id;
	uint32_t port;
	uint32_t mode; /**< auth_mode of a mapping gateway */
};
BUILD_ASSERT(sizeof(struct net_source) == 16);

struct net_index {
	const struct net_node *nodes;
	uint32_t nodec;
};

struct net_key net_key(const struct addr *addr, uint32_t len);
int net_key_cmp(const struct net_key *a, const struct net_key *b);
bool net_has(const struct net_node *node, const struct net_key *key);

/** Parents of nodes in order, each network once */
void net_link(struct net_node *nodes, uint32_t nodec);

bool net_index_of(struct net_index *index, const struct part *part,
		  enum netset set, const struct addr *addr);

/** The smallest network around it, and the next larger; INDEX_NONE */
uint32_t net_find(const struct net_index *index, const struct net_key *key);
uint32_t net_up(const struct net_index *index, uint32_t node);

/* --- lookup.c -------------------------------------------------------------- */

/** Is this the user name of a terminal? See catalog_terminal() */
bool gateway_is_mapping_terminal(const struct cat_mapping *gw);
bool gateway_is_routing_terminal(const struct cat_routing *gw);

enum {
	/** Routing gateways: what one look-up marks on its stack */
	ROUTING_MAX = 65536
};

/* In the hash of terminals: never 0 */
#define TERMINAL_VALUE(row, kind) \
	(((uint32_t)(row) + 1) << 1 | ((kind) == RECORD_ROUTING))
#define TERMINAL_ROW(value)  (((value) >> 1) - 1)
#define TERMINAL_KIND(value) ((value)&1 ? RECORD_ROUTING : RECORD_MAPPING)

/* Words of records.def that decide what is indexed */
enum {
	AUTH_IP,
	AUTH_IP_PORT,
	AUTH_PASSWORD
};

enum {
	GATEWAY_STATIC,
	GATEWAY_DYNAMIC
};

#endif
