/**
 * @file test/fault/manycalls_sound.h  What both ends of many calls hear
 *
 * Each call that is up has 50 packets a second each way, which carry its
 * number, their own, and when they were sent. The ends are behind NAT, as far
 * as their SDP goes: the switch takes no loopback address.
 *
 * A hole is how much further apart two packets arrived than they were sent;
 * our own lateness is no hole: neither that we send late nor that we are kept
 * from the processor while we send. How late we were is told beside it.
 */
#ifndef TANDEM_TEST_FAULT_MANYCALLS_SOUND_H
#define TANDEM_TEST_FAULT_MANYCALLS_SOUND_H

#include <stdint.h>
#include <stdio.h>

struct sound;

/** Sockets for so many calls at once, with these two addresses. Holes worth
 *  telling become lines of the file. @return NULL: errno */
struct sound *sound_alloc(const char *a, const char *b, uint32_t calls,
			  FILE *file);

/** Where call n is to send what this side shall hear; takes a place at first.
 *  Without sound (NULL), or a place, nobody sends there. */
const char *sound_address(int side);
uint16_t sound_port(struct sound *sound, uint32_t n, int side);

/** The other side's SDP, or what the switch made of it: send there, later */
void sound_point(struct sound *sound, uint32_t n, int side, const char *sdp);

/** From now on this side does */
void sound_speak(struct sound *sound, uint32_t n, int side);

/** Nobody speaks any more; its place is free */
void sound_stop(struct sound *sound, uint32_t n);

/** Send and read what is due. @return us until there is more to do */
int64_t sound_turn(struct sound *sound);

/** A line of figures each second, and these of the calls */
void sound_tell(struct sound *sound, uint32_t begun, uint32_t up,
		uint32_t over);

#endif
