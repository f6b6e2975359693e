/**
 * @file test/fuzz/fuzz_sdp.c  Any SDP, edited in any way
 *
 * The first bytes say what is edited, the rest is the SDP. What is written can
 * be parsed (but for one thing: nothing in it may be in use), says what was
 * asked for, stays as it is when it is edited again, and when it is relayed
 * has no address but ours.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "sipd/sdpedit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	HEAD_BYTES = 3,
	BYTES_MAX = 2 * SDP_BYTES_MAX
};


static bool is_live(const struct sdp *sdp)
{
	for (size_t i = 0; i < sdp->mediac; i++)
		if (sdp->media[i].remote.port != 0)
			return true;

	return false;
}


static void check_relayed(const struct sdp *before, const struct sdp *after,
			  const struct sdp_edit *edit)
{
	struct addr ours;
	const int err = addr_parse(&ours, text_of(edit->origin_host));

	assert(!err);
	for (size_t i = 0; i < after->mediac; i++) {
		const struct sdp_media *media = &after->media[i];

		assert(!media->is_held);
		if (media->remote.port == 0)
			continue;
		assert(media->remote.port == edit->media[i].port);
		assert(addr_same_ip(&media->remote, &ours));
		assert(media->kind != SDP_OTHER);
		assert(media->direction ==
		       (before->media[i].is_held
				? SDP_INACTIVE
				: before->media[i].direction));
	}
}


static void check_codecs(const struct sdp *before, const struct sdp *after,
			 const struct sdp_edit *edit)
{
	for (size_t i = 0; i < after->mediac; i++) {
		const struct sdp_media *media = &after->media[i];

		if (media->kind != SDP_AUDIO || !media->is_rtp ||
		    media->remote.port == 0)
			continue;
		assert(media->payloadc > 0);
		assert(media->payloadc <=
		       before->media[i].payloadc + edit->add_events);
		for (size_t j = 0; j < media->payloadc; j++) {
			const char *name = media->payloads[j].name;
			const bool is_event = strcmp(name,
						     "TELEPHONE-EVENT") == 0;

			assert(!is_event || !edit->drop_events ||
			       media->is_secure);
			assert(edit->a.namec == 0 || is_event ||
			       strcmp(name, "CN") == 0 ||
			       strcmp(name, "PCMU") == 0 ||
			       strcmp(name, "G729") == 0);
		}
	}
}


static void check_edit(const struct sdp *before, struct text body,
		       const struct sdp_edit *edit)
{
	static char once[SDP_BYTES_MAX + 1], twice[SDP_BYTES_MAX + 1];
	struct sdp after;
	size_t len, len2;
	int err;

	err = sdp_edit(once, sizeof(once), &len, body, edit);
	assert(err == 0 || err == ENOENT || err == EMSGSIZE);
	if (!edit->is_relayed && err != EMSGSIZE)
		assert(sdp_has_codec(before, &edit->a, &edit->b) ||
		       edit->a.namec == 0 || err == ENOENT);
	if (err)
		return;

	err = sdp_parse(&after, (struct text){ once, len }, NULL, NULL);
	assert(err == 0 || (err == EADDRNOTAVAIL && !is_live(&after)));
	assert(after.session == edit->session);
	assert(after.version == edit->version);
	assert(after.mediac == before->mediac);
	check_codecs(before, &after, edit);
	if (edit->is_relayed)
		check_relayed(before, &after, edit);

	err = sdp_edit(twice, sizeof(twice), &len2, (struct text){ once, len },
		       edit);
	assert(err == 0 && len == len2 && memcmp(once, twice, len) == 0);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "pcmu", "G729" };
	struct sdp_edit edit = { .session = UINT64_MAX, .version = 3 };
	struct text body;
	struct sdp sdp;

	if (size < HEAD_BYTES || size > BYTES_MAX)
		return 0;
	edit.origin_host = data[0] & 1 ? "2001:db8::1" : "198.51.100.1";
	edit.is_relayed = data[0] & 2;
	edit.add_events = data[0] & 4;
	edit.drop_events = data[0] & 8;
	if (data[0] & 16)
		edit.a = (struct sdp_codecs){ names, 2 };
	if (data[0] & 32)
		edit.b = (struct sdp_codecs){ names, 1 };
	for (size_t i = 0; i < SDP_MEDIAC_MAX; i++)
		edit.media[i].port =
			data[1] >> i & 1
				? (uint16_t)((size_t)data[2] * 256 + i)
				: 0;

	body = (struct text){ (const char *)data + HEAD_BYTES,
			      size - HEAD_BYTES };
	if (sdp_parse(&sdp, body, NULL, NULL) != 0)
		return 0;
	assert(sdp_same(body, body));
	(void)sdp_is_private(&sdp);
	(void)sdp_codec(&sdp);
	check_edit(&sdp, body, &edit);
	edit.is_read = true;
	check_edit(&sdp, body, &edit);

	return 0;
}
