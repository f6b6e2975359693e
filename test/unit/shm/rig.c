/**
 * @file test/unit/shm/rig.c  A segment of notes to try things on
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test/unit/shm/rig.h"


void rig_name(char name[SEGMENT_NAME_MAX], const char *what)
{
	(void)snprintf(name, SEGMENT_NAME_MAX, "/tandem-test.%s.%ld", what,
		       (long)getpid());
}


int rig_open(struct rig *rig, const char *what, uint32_t slotc)
{
	char why[160] = "";
	bool found;
	int rofd = -1;
	int fd = -1;
	int err;

	memset(rig, 0, sizeof(*rig));
	rig_name(rig->name, what);
	rig->layout = (struct segment_layout){
		.magic = RIG_MAGIC,
		.version = RIG_VERSION,
		.slot_size = SLOT_SIZE(sizeof(struct note)),
		.slotc = slotc,
	};

	err = segment_create(&fd, &found, rig->name, &rig->layout, "test", why,
			     sizeof(why));
	if (!err)
		err = segment_readonly_fd(&rofd, rig->name);
	if (!err)
		err = segment_map(&rig->segment, fd, &rig->layout, true, why,
				  sizeof(why));
	if (!err)
		err = segment_map(&rig->view, rofd, &rig->layout, false, why,
				  sizeof(why));
	if (err)
		(void)fprintf(stderr, "rig: %s: %s\n", strerror(err), why);

	if (fd >= 0)
		(void)close(fd);
	if (rofd >= 0)
		(void)close(rofd);

	rig->args = (struct slots_args){
		.segment = &rig->segment,
		.name = "notes",
		.image_size = sizeof(struct note),
		.slotc = slotc,
		.worker = 1,
		.faulth = note_fault,
	};

	return err;
}


void rig_close(struct rig *rig)
{
	segment_unmap(&rig->segment);
	segment_unmap(&rig->view);
	(void)segment_unlink(rig->name);
}


struct note note_of(uint64_t seq, uint64_t id)
{
	struct note note = { .seq = seq, .id = id };

	for (uint64_t i = 0; i < NOTE_WORDS; i++)
		note.fill[i] = (seq + i) * 0x9e3779b97f4a7c15 ^ id;

	return note;
}


bool note_is_whole(const struct note *note)
{
	const struct note right = note_of(note->seq, note->id);

	return memcmp(note, &right, sizeof(right)) == 0;
}


const char *note_fault(const void *image)
{
	const struct note *note = image;

	if (note->seq == 0)
		return "seq";

	return note_is_whole(note) ? NULL : "fill";
}


uint32_t rig_put(struct slots *slots, uint64_t seq)
{
	uint32_t index = UINT32_MAX;
	struct note note;
	int err;

	err = slots_take(slots, &index);
	assert(!err);

	note = note_of(seq, slots_id(slots, index));
	slots_publish(slots, index, &note);

	return index;
}


struct slot_head *rig_slot(const struct rig *rig, uint32_t index)
{
	return segment_slot(&rig->segment, index);
}
