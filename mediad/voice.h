/**
 * @file mediad/voice.h  What the switch itself says to the sides of calls
 *
 * Every 20 ms, for the sessions where there is something to say.
 */
#ifndef TANDEM_MEDIAD_VOICE_H
#define TANDEM_MEDIAD_VOICE_H

#include "mediad/session.h"

struct mediad;
struct voice;

int voice_alloc(struct voice **voicep, struct mediad *mediad);
struct voice *voice_free(struct voice *voice);

/** There may be something to say */
void voice_start(struct voice *voice, struct session *s);
/** The session ends */
void voice_stop(struct voice *voice, struct session *s);

/** A side has said a digit: to its peer with it, as that wants it */
void voice_heard(struct mediad *mediad, struct session *s, unsigned side,
		 const struct digit *digit);

/** sipd has read a digit in an INFO: to this side with it */
void voice_say(struct mediad *mediad, struct session *s, unsigned side,
	       const struct digit *digit);

#endif
