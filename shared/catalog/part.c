/**
 * @file shared/catalog/part.c  One immutable piece of a version
 *
 * Made here as a block per section, written to a file in one go, and then
 * only mapped. The CRC covers all but the generation: two parts with the same
 * content have the same CRC whenever they were made.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "shared/base/crc32c.h"
#include "shared/catalog/image.h"

/* Sections begin on a line of the cache */
enum {
	SECTION_ALIGN = 64
};

static const char *const words[CATALOG_PARTC] = {
	[CATALOG_CORE] = "core",
	[CATALOG_PHONES] = "phones",
	[CATALOG_RATES] = "rates",
};

/* Those that are not of a kind of record */
static const size_t sizes[SECTIONC] = {
	[SECTION_PARAMS] = sizeof(struct cat_param),
	[SECTION_TERMINALS] = sizeof(struct hash_slot),
	[SECTION_SETS] = sizeof(struct prefix_set),
	[SECTION_NODES] = sizeof(struct prefix_node),
	[SECTION_BUCKETS] = sizeof(uint32_t),
	[SECTION_POSTINGS] = sizeof(uint32_t),
	[SECTION_NETSETS] = sizeof(struct net_set),
	[SECTION_NETS] = sizeof(struct net_node),
	[SECTION_SOURCES] = sizeof(struct net_source),
	[SECTION_ODD] = sizeof(uint32_t),
	[SECTION_HEAP] = 1,
};


enum catalog_part part_of(enum record_kind kind)
{
	if (kind == RECORD_PHONE)
		return CATALOG_PHONES;

	return kind == RECORD_RATE ? CATALOG_RATES : CATALOG_CORE;
}


const char *part_word(enum catalog_part which)
{
	return words[which];
}


size_t section_size(enum section section)
{
	if (sizes[section] > 0)
		return sizes[section];

	return section < SECTION_IDS ? records[section - SECTION_ROWS].size
				     : sizeof(struct hash_slot);
}


static uint32_t crc_text(uint32_t crc, const char *s)
{
	return s ? crc32c(crc, s, strlen(s) + 1) : crc;
}


uint32_t part_schema(void)
{
	uint32_t crc = 0;

	for (size_t i = 0; i < PARAMC; i++) {
		crc = crc_text(crc, params[i].name);
		crc = crc32c(crc, &params[i].type, sizeof(params[i].type));
		crc = crc_text(crc, params[i].words);
	}

	for (size_t k = 0; k < RECORD_KINDC; k++) {
		for (size_t i = 0; i < records[k].fieldc; i++) {
			const struct record_field *f = &records[k].fields[i];

			crc = crc_text(crc, f->name);
			crc = crc32c(crc, &f->type, sizeof(f->type));
			crc = crc32c(crc, &f->offset, sizeof(f->offset));
			crc = crc_text(crc, f->words);
		}
	}

	return crc;
}


int part_name(char name[PART_NAME_MAX], const char *prefix,
	      enum catalog_part which, uint64_t generation)
{
	return text_print(name, PART_NAME_MAX, "/%s.catalog.%s.%llu", prefix,
			  words[which], (unsigned long long)generation);
}


int part_alloc(struct part **partp, enum catalog_part which)
{
	struct part *part = calloc(1, sizeof(*part));

	if (!part)
		return ENOMEM;

	part->which = which;
	part->refc = 1;
	*partp = part;

	return 0;
}


void part_section_give(struct part *part, enum section section, void *p,
		       size_t count)
{
	part->sections[section] = (struct view){ .p = p, .count = count };
}


struct part *part_ref(struct part *part)
{
	part->refc++;

	return part;
}


struct part *part_unref(struct part *part)
{
	if (!part || --part->refc > 0)
		return NULL;

	/* The heap's bytes are the heap's. */
	if (!part->map) {
		for (size_t i = 0; i < SECTION_HEAP; i++)
			free(unconst(part->sections[i].p));
	}
	if (part->unmaps)
		(void)munmap(unconst(part->map), part->size);
	heap_free(part->heap);
	free(part);

	return NULL;
}


/* --- making ---------------------------------------------------------------- */

static uint64_t align_up(uint64_t n)
{
	return (n + SECTION_ALIGN - 1) / SECTION_ALIGN * SECTION_ALIGN;
}


/* Zeros from here to where the next section begins */
static size_t padding_behind(uint64_t end)
{
	return (size_t)(align_up(end) - end);
}


static uint32_t seal_crc(const struct part *part)
{
	static const uint8_t zeros[SECTION_ALIGN];
	const struct part_head *head = &part->head;
	uint64_t end = sizeof(*head);
	uint32_t crc;

	crc = crc32c(0, (const uint8_t *)head + PART_CRC_FROM,
		     sizeof(*head) - PART_CRC_FROM);
	for (size_t i = 0; i < SECTIONC; i++) {
		const struct view *s = &part->sections[i];
		const size_t size = s->count * section_size(i);

		crc = crc32c(crc, zeros, padding_behind(end));
		if (size > 0)
			crc = crc32c(crc, s->p, size);
		end = head->sections[i].off + size;
	}

	return crc32c(crc, zeros, padding_behind(end));
}


int part_seal(struct part *part)
{
	struct part_head *head = &part->head;
	uint64_t end = align_up(sizeof(*head));

	*head = (struct part_head){
		.magic = PART_MAGIC,
		.part = (uint32_t)part->which,
		.version = PART_VERSION,
		.schema = part_schema(),
		.sectionc = SECTIONC,
	};

	for (size_t i = 0; i < SECTIONC; i++) {
		const size_t count = part->sections[i].count;

		if (count > UINT32_MAX)
			return EOVERFLOW;

		head->sections[i] = (struct part_section){
			.off = end,
			.count = (uint32_t)count,
			.size = (uint32_t)section_size(i),
		};
		end = align_up(end + count * section_size(i));
	}

	head->size = end;
	head->crc = seal_crc(part);
	part->size = (size_t)end;

	return 0;
}


static int write_all(int fd, const void *p, size_t size)
{
	const uint8_t *from = p;

	while (size > 0) {
		const ssize_t n = write(fd, from, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : EIO;

		from += n;
		size -= (size_t)n;
	}

	return 0;
}


int part_write(const struct part *part, int fd, uint64_t generation)
{
	static const uint8_t zeros[SECTION_ALIGN];
	struct part_head head = part->head;
	uint64_t end = sizeof(head);
	int err;

	head.generation = generation;

	/* By write() and not through a mapping: a file system that is full
	 * says so here, where a store would be a SIGBUS. */
	err = write_all(fd, &head, sizeof(head));
	for (size_t i = 0; i < SECTIONC && !err; i++) {
		const struct view *s = &part->sections[i];
		const size_t size = s->count * section_size(i);

		err = write_all(fd, zeros, padding_behind(end));
		if (!err)
			err = write_all(fd, s->p, size);
		end = head.sections[i].off + size;
	}

	return err ? err : write_all(fd, zeros, padding_behind(end));
}


/* --- attaching --------------------------------------------------------------
 */

/* Of which release, and does it say what it has to? */
static int check_head(const struct part_head *head, enum catalog_part which,
		      size_t size, const char **faultp)
{
	const struct {
		bool is_right;
		int err;
		const char *fault;
	} rows[] = {
		/* clang-format off */
		{ head->magic == PART_MAGIC,     EBADMSG, "magic" },
		{ head->version == PART_VERSION, EPROTO,  "layout version" },
		{ head->sectionc == SECTIONC,    EPROTO,  "number of sections" },
		{ head->schema == part_schema(), EPROTO,  "fields of records" },
		{ head->part == which,           EBADMSG, "which part it is" },
		{ head->size == size,            EBADMSG, "size" },
		/* clang-format on */
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (!rows[i].is_right) {
			*faultp = rows[i].fault;
			return rows[i].err;
		}
	}

	return 0;
}


static bool section_is_sound(const struct part_section *s, size_t i,
			     size_t size)
{
	return s->size == section_size(i) && s->off % SECTION_ALIGN == 0 &&
	       s->off <= size && s->count <= (size - s->off) / s->size;
}


int part_attach(struct part **partp, enum catalog_part which,
		const uint8_t *bytes, size_t size, char *why, size_t whysize)
{
	const char *fault = "size";
	struct part *part = NULL;
	int err;

	err = part_alloc(&part, which);
	if (err)
		return err;

	part->map = bytes;
	part->size = size;

	err = EBADMSG;
	if (size >= sizeof(part->head)) {
		memcpy(&part->head, bytes, sizeof(part->head));
		err = check_head(&part->head, which, size, &fault);
	}

	for (size_t i = 0; i < SECTIONC && !err; i++) {
		const struct part_section *s = &part->head.sections[i];

		if (!section_is_sound(s, i, size)) {
			fault = "place of a section";
			err = EBADMSG;
			break;
		}
		part->sections[i] = (struct view){ .p = bytes + s->off,
						   .count = s->count };
	}

	if (err) {
		(void)text_print(why, whysize, "catalog, %s: wrong %s",
				 words[which], fault);
		part_unref(part);
		return err;
	}

	part->generation = part->head.generation;
	*partp = part;

	return 0;
}


bool part_is_whole(const struct part *part)
{
	return crc32c(0, part->map + PART_CRC_FROM,
		      part->size - PART_CRC_FROM) == part->head.crc;
}


/* Open a part and map it, if it is as large as the control page says */
static int map_file(const uint8_t **bytesp, const char *name, uint64_t size)
{
	struct stat st;
	void *map;
	int err = 0;
	int fd;

	fd = shm_open(name, O_RDONLY, 0);
	if (fd < 0)
		return errno;

	if (fstat(fd, &st) != 0)
		err = errno;
	else if (size == 0 || (uint64_t)st.st_size != size)
		err = EBADMSG;

	if (!err) {
		map = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED)
			err = errno;
		else
			*bytesp = map;
	}
	(void)close(fd);

	return err;
}


int part_map(struct part **partp, const char *prefix, enum catalog_part which,
	     const struct catalog_control *control, char *why, size_t whysize)
{
	const uint64_t generation = control->parts[which].generation;
	const uint64_t size = control->parts[which].size;
	const uint8_t *bytes = NULL;
	struct part *part = NULL;
	char name[PART_NAME_MAX];
	int err;

	err = part_name(name, prefix, which, generation);
	if (!err)
		err = map_file(&bytes, name, size);
	if (err) {
		(void)text_print(why, whysize, "catalog, %s: %s", words[which],
				 strerror(err));
		return err;
	}

	assert(bytes);
	err = part_attach(&part, which, bytes, (size_t)size, why, whysize);
	if (err) {
		(void)munmap(unconst(bytes), (size_t)size);
		return err;
	}
	part->unmaps = true;

	if (part->generation != generation ||
	    part->head.crc != control->parts[which].crc) {
		(void)text_print(why, whysize,
				 "catalog, %s: not what the page names",
				 words[which]);
		part_unref(part);
		return EBADMSG;
	}

	*partp = part;

	return 0;
}
