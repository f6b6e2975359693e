/**
 * @file test/unit/mediad/rig.h  What tests of mediad share
 */
#ifndef TANDEM_TEST_UNIT_MEDIAD_RIG_H
#define TANDEM_TEST_UNIT_MEDIAD_RIG_H

#include "mediad/pkt.h"
#include "mediad/ports.h"
#include "mediad/sessions.h"
#include "shared/shm/segment.h"
#include "test/unit/sipd/segment_rig.h"

enum {
	RIG_SLOTS = 8,
	RIG_PORT = 20000,
	RIG_NOW = 100000000, /**< Microseconds since the machine was started */
};

/** The segments of mediad, as a generation leaves them to the next */
struct rig {
	struct segment_rig media, flows, rests, held;
	struct ports *ports;
	struct sessions *sessions;
};

void rig_open(struct rig *rig);
void rig_close(struct rig *rig);

/** A generation begins: so many pairs, from RIG_PORT on. fds: of each socket;
 *  NULL: none is real. @return 0, ENOMEM */
int rig_start(struct rig *rig, unsigned pairs, const int *fds, int64_t now_us);
void rig_stop(struct rig *rig);

/** "192.0.2.1:4000" */
struct addr rig_addr(const char *text);

/** Side with line 0 at text, its RTCP one port higher */
struct session_point rig_point(const char *text);

/** A packet of RTP, 20 ms of PCMU; @return bytes */
size_t rig_rtp(uint8_t data[PKT_MAX], uint8_t type, uint16_t seq);

#endif
