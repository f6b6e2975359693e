/**
 * @file mediad/tone.c  Tones in G.711: made and heard
 */
#include <math.h>
#include <string.h>

#include "mediad/tone.h"
#include "shared/base/util.h"

enum {
	BLOCK = 102, /* samples: 12.75 ms, bins as wide as the tones lie apart
		      */
	ROWS = 4,
	HITS = 2,
	MISSES = 2,
	ULAW_BIAS = 0x84,
	ULAW_MAX = 32635,
	RING = 'r',
};

static const double pi = 3.14159265358979323846;
static const double frequencies[TONE_FREQUENCIES] = {
	697, 770, 852, 941, 1209, 1336, 1477, 1633,
};
static const char keys[ROWS][ROWS + 1] = { "123A", "456B", "789C", "*0#D" };

static const double amplitude = 6000; /* of each: -11 dBm0 */

/* What a block must be like to hold a digit. Powers of two tones of amplitude
 * a are (a N / 2)^2 each, and the energy of the block is N a^2. */
static const double quietest = 200; /* amplitude of each: -41 dBm0 */
static const double purest = 0.6;   /* share of the two in all there is */
static const double peak = 6;       /* above the others of its group: 8 dB */
static const double twist = 6.5;    /* between row and column: 8 dB */


/* --- G.711
 * ----------------------------------------------------------------------------
 */

/* Segment of a value: how far its highest bit is above bit 7 */
static unsigned segment_of(unsigned value)
{
	unsigned segment = 0;

	while (segment < 7 && value >= 256u << segment)
		segment++;

	return segment;
}


static uint8_t ulaw_encode(int sample)
{
	const unsigned sign = sample < 0 ? 0x80 : 0;
	unsigned value = (unsigned)(sample < 0 ? -sample : sample);
	unsigned segment;

	if (value > ULAW_MAX)
		value = ULAW_MAX;
	value += ULAW_BIAS;
	segment = segment_of(value);

	return (uint8_t) ~(sign | segment << 4 |
			   (value >> (segment + 3) & 0x0f));
}


static int ulaw_decode(uint8_t byte)
{
	const unsigned u = (uint8_t)~byte;
	const int value = (int)((((u & 0x0f) << 3) + ULAW_BIAS)
				<< (u >> 4 & 7)) -
			  ULAW_BIAS;

	return u & 0x80 ? -value : value;
}


static uint8_t alaw_encode(int sample)
{
	const unsigned sign = sample < 0 ? 0 : 0x80;
	unsigned value = (unsigned)(sample < 0 ? -sample - 1 : sample);
	unsigned segment, code;

	if (value > 32767)
		value = 32767;
	segment = segment_of(value);
	code = segment ? segment << 4 | (value >> (segment + 3) & 0x0f)
		       : value >> 4;

	return (uint8_t)((sign | code) ^ 0x55);
}


static int alaw_decode(uint8_t byte)
{
	const unsigned a = byte ^ 0x55u;
	const unsigned segment = a >> 4 & 7;
	unsigned value = (a & 0x0f) << 4 | 8;

	if (segment)
		value = (value + 0x100) << (segment - 1);

	return a & 0x80 ? (int)value : -(int)value;
}


uint8_t tone_encode(enum media_codec codec, int sample)
{
	return codec == MEDIA_PCMA ? alaw_encode(sample) : ulaw_encode(sample);
}


int tone_decode(enum media_codec codec, uint8_t byte)
{
	return codec == MEDIA_PCMA ? alaw_decode(byte) : ulaw_decode(byte);
}


uint8_t tone_silence(enum media_codec codec)
{
	return tone_encode(codec, 0);
}


/* --- made
 * ----------------------------------------------------------------------------
 */

static bool digit_tones(char digit, double tones[2])
{
	if (digit == RING) {
		tones[0] = TONE_RING_HZ;
		tones[1] = 0;
		return true;
	}
	for (unsigned r = 0; r < ROWS; r++) {
		const char *at = digit ? strchr(keys[r], digit) : NULL;

		if (!at)
			continue;
		tones[0] = frequencies[r];
		tones[1] = frequencies[ROWS + (at - keys[r])];
		return true;
	}

	return false;
}


void tone_make(uint8_t *data, size_t samples, enum media_codec codec,
	       char digit, uint32_t from)
{
	double tones[2];

	if (!digit_tones(digit, tones)) {
		memset(data, tone_silence(codec), samples);
		return;
	}
	for (size_t i = 0; i < samples; i++) {
		const double at = 2 * pi * (double)(from + i) / TONE_HZ;
		double value = amplitude * sin(tones[0] * at);

		if (tones[1] > 0)
			value += amplitude * sin(tones[1] * at);
		data[i] = tone_encode(codec, (int)value);
	}
}


/* --- heard
 * ----------------------------------------------------------------------------
 */

static double power(const struct tone_ear *ear, unsigned f)
{
	const double k = 2 * cos(2 * pi * frequencies[f] / TONE_HZ);

	return ear->s1[f] * ear->s1[f] + ear->s2[f] * ear->s2[f] -
	       k * ear->s1[f] * ear->s2[f];
}


/* The strongest of a group, if it stands out; -1: none does */
static int strongest(const double *powers)
{
	unsigned best = 0;

	for (unsigned i = 1; i < ROWS; i++)
		if (powers[i] > powers[best])
			best = i;
	for (unsigned i = 0; i < ROWS; i++)
		if (i != best && powers[i] * peak > powers[best])
			return -1;

	return (int)best;
}


static char judge(const struct tone_ear *ear)
{
	const double least = quietest * BLOCK / 2 * (quietest * BLOCK / 2);
	double powers[TONE_FREQUENCIES];
	int row, column;
	double r, c;

	for (unsigned f = 0; f < TONE_FREQUENCIES; f++)
		powers[f] = power(ear, f);
	row = strongest(powers);
	column = strongest(powers + ROWS);
	if (row < 0 || column < 0)
		return '\0';

	r = powers[row];
	c = powers[ROWS + column];
	if (r < least || c < least || r > c * twist || c > r * twist ||
	    r + c < purest * ear->energy * BLOCK / 2)
		return '\0';

	return keys[row][column];
}


/* A block is over: @return does a tone go on, or may it begin? */
static bool block(struct tone_ear *ear, struct digit *heard)
{
	const char found = judge(ear);

	if (ear->digit && found == ear->digit) {
		ear->blocks += 1u + ear->misses;
		ear->misses = 0;
	}
	else if (ear->digit && ++ear->misses >= MISSES) {
		heard->digit = ear->digit;
		heard->ms = digit_ms(ear->blocks * BLOCK * 1000 / TONE_HZ);
		ear->digit = '\0';
		ear->misses = 0;
	}
	if (!ear->digit && found && found == ear->candidate) {
		ear->digit = found;
		ear->blocks = HITS;
	}
	ear->candidate = found;
	memset(ear->s1, 0, sizeof(ear->s1));
	memset(ear->s2, 0, sizeof(ear->s2));
	ear->energy = 0;
	ear->samples = 0;

	return ear->digit || found;
}


bool tone_hear(struct tone_ear *ear, enum media_codec codec,
	       const uint8_t *data, size_t len, struct digit *heard)
{
	bool is_tone = ear->digit || ear->candidate;
	double k[TONE_FREQUENCIES];

	heard->digit = '\0';
	for (unsigned f = 0; f < TONE_FREQUENCIES; f++)
		k[f] = 2 * cos(2 * pi * frequencies[f] / TONE_HZ);
	for (size_t i = 0; i < len; i++) {
		const double x = tone_decode(codec, data[i]);

		for (unsigned f = 0; f < TONE_FREQUENCIES; f++) {
			const double s = x + k[f] * ear->s1[f] - ear->s2[f];

			ear->s2[f] = ear->s1[f];
			ear->s1[f] = s;
		}
		ear->energy += x * x;
		if (++ear->samples == BLOCK && block(ear, heard))
			is_tone = true;
	}

	return is_tone;
}
