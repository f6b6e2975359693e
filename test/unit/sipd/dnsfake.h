/**
 * @file test/unit/sipd/dnsfake.h  A DNS server that answers from a table
 *
 * On 127.0.0.1, in the test's own loop; it counts what it is asked.
 */
#ifndef TANDEM_TEST_UNIT_SIPD_DNSFAKE_H
#define TANDEM_TEST_UNIT_SIPD_DNSFAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ev;
struct ev_watch;

enum {
	TYPE_A = 1,
	TYPE_CNAME = 5,
	TYPE_AAAA = 28,
	TYPE_SRV = 33,
	NAME_ERR = 3,
	SRV_FAIL = 2,
};

/** A record: text is an address, or the name of a host */
struct row {
	const char *name;
	uint16_t type;
	uint32_t ttl;
	const char *text;
	uint16_t priority, weight, port;
};

struct dnsfake {
	struct ev_watch *watch;
	int fd;
	char server[64]; /**< Address and port */
	const struct row *rows;
	size_t rowc;
	const struct row *any; /**< For every name, if it is set */
	uint8_t rcode;         /**< For names that are not there */
	bool is_silent;
	bool is_silent_to_aaaa;
	unsigned asked[64]; /**< By type */
	uint16_t ports[64]; /**< From where, in order */
	unsigned askedc;
};

int dnsfake_open(struct dnsfake *f, struct ev *ev);
/** Also one that was not opened: fd is -1 then */
void dnsfake_close(struct dnsfake *f);

#endif
