/**
 * @file sipd/record.h  The record of a call, as billingd gets it
 */
#ifndef TANDEM_SIPD_RECORD_H
#define TANDEM_SIPD_RECORD_H

#include "proto/envelope.pb-c.h"
#include "shared/base/addr.h"
#include "shared/catalog/rows.h"
#include "sipd/call_slot.h"

struct call;

enum {
	RECORD_TEXT_MAX = 129,
	RECORD_ATTEMPTS_MAX = 64,
};

/** A message, and the memory its texts lie in */
struct record {
	Tandem__Record message;
	Tandem__Attempt attempts[RECORD_ATTEMPTS_MAX];
	Tandem__Attempt *attempt_ptrs[RECORD_ATTEMPTS_MAX];
	char attempt_addrs[RECORD_ATTEMPTS_MAX][ADDR_TEXT_MAX];
	Tandem__MediaSide media_a, media_b;
	char facts[FACTC][RECORD_TEXT_MAX];
	char call_id_a[RECORD_TEXT_MAX], call_id_b[RECORD_TEXT_MAX];
	char source[ADDR_TEXT_MAX], dest[ADDR_TEXT_MAX];
};

void record_fill(struct record *record, const struct call *call);

#endif
