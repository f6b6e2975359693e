/**
 * @file test/bench/rtpload_wire.c  Packets of rtpload, and of its attackers
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/bench/rtpload.h"

enum {
	BUFFER = 1 << 20,
	BATCH = 16,
	SPRAY_TURN_MAX = 256,
	STAMP_MAGIC = 0x52545031,
	SPRAY_MAGIC = 0x52545032,
	TIMESTAMP_STEP = 160,
};


int64_t now_ns(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);

	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}


bool address_parse(struct sockaddr_in *sin, const char *host, const char *port)
{
	if (!host || !port)
		return false;

	*sin = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
	};

	return inet_pton(AF_INET, host, &sin->sin_addr) == 1;
}


int socket_open(const struct sockaddr_in *own, uint16_t *portp)
{
	struct sockaddr_in bound = { 0 };
	socklen_t len = sizeof(bound);
	const int on = 1, buffer = BUFFER;
	const int fd = socket(AF_INET,
			      SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	if (bind(fd, (const struct sockaddr *)own, sizeof(*own)) ||
	    getsockname(fd, (struct sockaddr *)&bound, &len)) {
		(void)close(fd);
		return -1;
	}
	*portp = ntohs(bound.sin_port);

	return fd;
}


/* --- packets --------------------------------------------------------------- */

static void packet_make(uint8_t packet[PACKET_BYTES], uint32_t ssrc,
			uint64_t number, const struct stamp *stamp)
{
	const uint16_t sequence = htons((uint16_t)number);
	const uint32_t timestamp = htonl((uint32_t)(number * TIMESTAMP_STEP));
	const uint32_t source = htonl(ssrc);

	memset(packet, 0xd5, PACKET_BYTES);
	packet[0] = 0x80;
	packet[1] = 0; /* PCMU */
	memcpy(packet + 2, &sequence, sizeof(sequence));
	memcpy(packet + 4, &timestamp, sizeof(timestamp));
	memcpy(packet + 8, &source, sizeof(source));
	memcpy(packet + HEADER_BYTES, stamp, sizeof(*stamp));
}


void end_send(struct load *load, size_t i)
{
	struct end *end = &load->ends[i];
	uint8_t packet[PACKET_BYTES];
	const int64_t now = now_ns(CLOCK_REALTIME);
	const struct stamp stamp = {
		.magic = STAMP_MAGIC,
		.end = (uint32_t)i,
		.number = end->sent,
		.sent_ns = now,
		.gap_ns = end->last_sent_ns ? now - end->last_sent_ns : 0,
	};

	end->last_sent_ns = now;
	end->sent++;
	if (load->drop_every && ++load->drops % load->drop_every == 0) {
		end->skipped++;
		return;
	}
	packet_make(packet, end->ssrc, stamp.number, &stamp);
	/* What a packet before this one met is said now: once more. */
	for (int n = 0; n < 2; n++) {
		if (send(end->fd, packet, sizeof(packet), 0) >= 0)
			return;
	}
	load->errors++;
}


static int64_t arrival_ns(struct msghdr *hdr)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c;
	     c = CMSG_NXTHDR(hdr, c)) {
		struct timespec ts;

		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
	}

	return now_ns(CLOCK_REALTIME);
}


static void end_heard(struct load *load, size_t i, const uint8_t *packet,
		      size_t len, int64_t arrived_ns)
{
	struct stamp stamp;

	if (len != PACKET_BYTES) {
		load->stats.strange++;
		return;
	}
	memcpy(&stamp, packet + HEADER_BYTES, sizeof(stamp));
	if (stamp.magic == SPRAY_MAGIC)
		load->stats.foreign++;
	else if (stamp.magic != STAMP_MAGIC || stamp.end != (i ^ 1))
		load->stats.strange++;
	else
		stats_heard(&load->stats, &load->ends[i].hearing, &stamp,
			    arrived_ns);
}


void end_read(struct load *load, size_t i)
{
	static uint8_t data[BATCH][PACKET_BYTES + 1];
	static char controls[BATCH][CMSG_SPACE(sizeof(struct timespec))];
	struct mmsghdr headers[BATCH];
	struct iovec iov[BATCH];
	int n;

	do {
		memset(headers, 0, sizeof(headers));
		for (size_t k = 0; k < BATCH; k++) {
			iov[k] = (struct iovec){ data[k], sizeof(data[k]) };
			headers[k].msg_hdr.msg_iov = &iov[k];
			headers[k].msg_hdr.msg_iovlen = 1;
			headers[k].msg_hdr.msg_control = controls[k];
			headers[k].msg_hdr.msg_controllen = sizeof(
				controls[k]);
		}
		n = recvmmsg(load->ends[i].fd, headers, BATCH, MSG_DONTWAIT,
			     NULL);
		for (int k = 0; k < n; k++)
			end_heard(load, i, data[k], headers[k].msg_len,
				  arrival_ns(&headers[k].msg_hdr));
	} while (n == BATCH || (n < 0 && errno == ECONNREFUSED));
}


/* --- attackers
 * --------------------------------------------------------------- */

static void spray_send(struct load *load, struct spray *spray)
{
	uint8_t packet[PACKET_BYTES];
	const size_t k = spray->next++ % spray->targetc;
	const struct end *like = &load->ends[spray->ends[k] % ENDS_MAX];
	const uint64_t number = spray->is_guessing ? like->sent + 1
						   : spray->sent * 2654435761u;
	const struct stamp stamp = {
		.magic = SPRAY_MAGIC,
		.end = spray->ends[k],
		.number = number,
		.sent_ns = now_ns(CLOCK_REALTIME),
	};

	packet_make(packet,
		    spray->is_guessing ? like->ssrc
				       : (uint32_t)(spray->sent * 40503u),
		    number, &stamp);
	(void)sendto(spray->fd, packet, sizeof(packet), 0,
		     (const struct sockaddr *)&spray->targets[k],
		     sizeof(spray->targets[k]));
	spray->sent++;
}


void spray_turn(struct load *load, struct spray *spray)
{
	const double elapsed =
		(double)(now_ns(CLOCK_MONOTONIC) - spray->begun_ns) / 1e9;
	char data[PACKET_BYTES];

	for (int i = 0; i < SPRAY_TURN_MAX && spray->is_running &&
			(double)spray->sent < elapsed * spray->rate;
	     i++)
		spray_send(load, spray);
	for (int i = 0; i < SPRAY_TURN_MAX; i++) {
		if (recv(spray->fd, data, sizeof(data), MSG_DONTWAIT) >= 0)
			spray->back++;
		else if (errno != ECONNREFUSED)
			break;
	}
}
