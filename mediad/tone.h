/**
 * @file mediad/tone.h  Tones in G.711: made and heard
 *
 * ITU-T Q.23 digits, and ring-back. Detection by Goertzel over blocks of 102
 * samples: two alike in a row are a digit, two others its end, so 40 ms are
 * enough. 8000 Hz. Pure.
 */
#ifndef TANDEM_MEDIAD_TONE_H
#define TANDEM_MEDIAD_TONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mediad/digit.h"

enum {
	TONE_HZ = 8000,
	TONE_FREQUENCIES = 8, /**< Four rows, four columns */
	TONE_RING_HZ = 425,
};

uint8_t tone_encode(enum media_codec codec, int sample);
int tone_decode(enum media_codec codec, uint8_t byte);
/** A byte of silence */
uint8_t tone_silence(enum media_codec codec);

/** Samples of a digit, or (digit 'r') of the ring-back tone, from so many on */
void tone_make(uint8_t *data, size_t samples, enum media_codec codec,
	       char digit, uint32_t from);

/** All zero: nothing heard yet */
struct tone_ear {
	double s1[TONE_FREQUENCIES], s2[TONE_FREQUENCIES];
	double energy;
	uint32_t samples; /**< Of the block that goes on */
	uint32_t blocks;  /**< Of the digit */
	char candidate;   /**< Of the last block */
	char digit;       /**< That goes on; NUL: none */
	uint8_t misses;
};

/** Listen to a packet's samples. @return is there a tone in it, to be cut?
 *  heard: a digit that is over */
bool tone_hear(struct tone_ear *ear, enum media_codec codec,
	       const uint8_t *data, size_t len, struct digit *heard);

#endif
