/**
 * @file shared/media/flow.c  What the counters of one side come to
 */
#include "shared/media/flow.h"

enum {
	MOS_PACKETS = 50,
};


uint64_t flow_expected(const struct media_flow *flow)
{
	return flow->expected +
	       (flow->last_seq ? flow->last_seq - flow->first_seq + 1 : 0);
}


uint64_t flow_lost(const struct media_flow *flow)
{
	const uint64_t expected = flow_expected(flow);

	return expected > flow->received ? expected - flow->received : 0;
}


uint64_t flow_jitter_us(const struct media_flow *flow)
{
	return flow->jitterc ? flow->jitter_us / flow->jitterc : 0;
}


/* ITU-T G.113: impairment of a codec, and how it bears loss */
static const struct {
	double ie, bpl;
} impairments[MEDIA_CODECC] = {
	[MEDIA_OTHER] = { 0, 25.1 }, [MEDIA_PCMU] = { 0, 25.1 },
	[MEDIA_PCMA] = { 0, 25.1 },  [MEDIA_G729] = { 11, 19 },
	[MEDIA_G723] = { 15, 16.1 }, [MEDIA_EVENT] = { 0, 25.1 },
	[MEDIA_NOISE] = { 0, 25.1 },
};


uint32_t flow_mos(const struct media_flow *flow)
{
	const uint64_t expected = flow_expected(flow);
	const unsigned codec = flow->codec < MEDIA_CODECC
				       ? (unsigned)flow->codec
				       : MEDIA_OTHER;
	const double ie = impairments[codec].ie;
	double loss, d, r;

	if (flow->received < MOS_PACKETS)
		return 0;

	loss = 100.0 * (double)flow_lost(flow) / (double)expected;
	d = ((double)flow->rtt_us / 2 + 2.0 * (double)flow_jitter_us(flow)) /
	    1000;
	r = 93.2 - 0.024 * d - (d > 177.3 ? 0.11 * (d - 177.3) : 0) -
	    (ie + (95 - ie) * loss / (loss + impairments[codec].bpl));
	if (!(r > 0))
		r = 0;
	if (r > 100)
		r = 100;

	return (uint32_t)(100 * (1 + 0.035 * r +
				 7e-6 * r * (r - 60) * (100 - r)) +
			  0.5);
}
