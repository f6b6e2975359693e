/**
 * @file billingd/record_line.h  The record of a call as a line of JSON
 *
 * Fields are named as in cdr.md 1; what does not apply is left out. Which
 * calls are recorded at all is said by billing.md 10. Pure.
 */
#ifndef TANDEM_BILLINGD_RECORD_LINE_H
#define TANDEM_BILLINGD_RECORD_LINE_H

#include "billingd/authorise.h"
#include "proto/envelope.pb-c.h"
#include "shared/catalog/catalog.h"

/** Every line begins with it: by this a successor finds the ids again */
#define RECORD_LINE_BEGIN "{\"cdr_id\":\""

/** Why a call is not recorded: rules 1 to 4 */
enum record_rule {
	RECORD_IS_KEPT,
	RECORD_NO_CDR,
	RECORD_ILLEGAL,
	RECORD_ZERO_HOLD_TIME,
	RECORD_SERVER_HANG_UP,
	RECORD_RULEC
};
extern const char *const record_rules[RECORD_RULEC];

enum record_rule record_rule(const struct catalog *c,
			     const Tandem__Record *record);

/** Talk time in whole seconds: a rest of 50 ms or less is dropped */
int64_t record_seconds(int64_t duration_us);

/** malloc()ed, with a newline at its end
 *  @return 0 if success, ENOMEM */
int record_line(char **linep, const struct catalog *c,
		const Tandem__Record *record);

#endif
