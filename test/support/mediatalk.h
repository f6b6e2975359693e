/**
 * @file test/support/mediatalk.h  What the parts of mediatalk share
 */
#ifndef TANDEM_TEST_SUPPORT_MEDIATALK_H
#define TANDEM_TEST_SUPPORT_MEDIATALK_H

#include "proto/envelope.pb-c.h"

enum {
	REMOTES_MAX = 8,
	PAYLOADS_MAX = 32,
};

/** A Point and what it points to */
struct pointing {
	Tandem__Point point;
	char *remotes[REMOTES_MAX], *rtcps[REMOTES_MAX];
	uint32_t payloads[PAYLOADS_MAX], clocks[PAYLOADS_MAX];
	Tandem__MediaCodec codecs[PAYLOADS_MAX];
	protobuf_c_boolean udptl[REMOTES_MAX];
	char *value; /**< Of the field that is parsed */
};

void pointing_init(struct pointing *p);

/** "KEY=VALUE KEY=VALUE": they are pointed to where they lie */
void pointing_parse(struct pointing *p, char *words);

#endif
