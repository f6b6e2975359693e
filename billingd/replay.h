/**
 * @file billingd/replay.h  What the journal has, read again at the start
 */
#ifndef TANDEM_BILLINGD_REPLAY_H
#define TANDEM_BILLINGD_REPLAY_H

struct accounts;
struct ended;
struct journal_record;
struct log;

/** What is known of the calls of the process before */
struct replay {
	struct accounts *accounts;
	struct ended *ended;
	const struct log *log;
};

/** The next one, in the order of the journal; twice is as good as once.
 *  @return 0, or an error that ends the start */
int replay_record(const struct replay *replay,
		  const struct journal_record *record);

#endif
