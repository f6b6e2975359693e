/**
 * @file shared/svc/fault.c  Faults on purpose, for tests
 *
 * What a test cannot do from outside: lose messages between daemons, and shift
 * the wall clock of one of them. Refused unless the node file says
 * "faults = on". A fault ends with the process.
 */
#include <errno.h>
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/svc/svc_parts.h"

enum {
	CLOCK_S_MAX = 366 * 86400,
};

#define SECOND_US INT64_C(1000000)


static void set_bus(struct svc *svc, int64_t percent)
{
	bus_loss_set(svc->bus, (uint32_t)percent);
}


static void set_clock(struct svc *svc, int64_t seconds)
{
	(void)svc;
	clk_shift_wall(seconds * SECOND_US);
}


static const struct {
	const char *what;
	void (*set)(struct svc *svc, int64_t value);
	int64_t least, most;
} faults[] = {
	{ "bus", set_bus, 0, 100 },
	{ "clock", set_clock, -CLOCK_S_MAX, CLOCK_S_MAX },
};


/* A number, or the text that tandemctl makes of a word */
static int value_of(int64_t *valuep, const json_t *value, int64_t least,
		    int64_t most)
{
	if (json_is_string(value))
		return text_i64(valuep, text_of(json_string_value(value)),
				least, most);
	if (!json_is_integer(value))
		return EINVAL;
	*valuep = json_integer_value(value);

	return *valuep < least || *valuep > most ? ERANGE : 0;
}


int cmd_fault(void *state, const json_t *args, struct admin_answer *answer)
{
	struct svc *svc = state;
	const char *what = json_string_value(json_object_get(args, "what"));
	int64_t value;

	if (!svc->node->faults)
		return admin_refuse(answer, "refused",
				    "faults is off in tandem.conf");
	for (size_t i = 0; what && i < COUNT_OF(faults); i++) {
		if (strcmp(faults[i].what, what) != 0)
			continue;
		if (value_of(&value, json_object_get(args, "value"),
			     faults[i].least, faults[i].most))
			return admin_refuse(answer, "invalid_value",
					    "value: a number from %lld to "
					    "%lld",
					    (long long)faults[i].least,
					    (long long)faults[i].most);
		faults[i].set(svc, value);
		log_warn(&svc->log, "fault_set what=%s value=%lld", what,
			 (long long)value);
		return 0;
	}

	return admin_refuse(answer, "invalid_value",
			    "what: one of bus, clock");
}
