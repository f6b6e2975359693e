/**
 * @file sipd/sound.c  What is known of the media of relayed calls
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sipd/call.h"
#include "sipd/sound.h"


int sound_take(struct call *call)
{
	struct sound *sound = call->sipd->sounds;

	if (call->sound)
		return 0;
	if (sound) {
		call->sipd->sounds = sound->next;
		memset(sound, 0, sizeof(*sound));
	}
	else {
		sound = calloc(1, sizeof(*sound));
		if (!sound)
			return ENOMEM;
	}
	call->sound = sound;

	return 0;
}


void sound_give(struct call *call)
{
	if (!call->sound)
		return;
	call->sound->next = call->sipd->sounds;
	call->sipd->sounds = call->sound;
	call->sound = NULL;
}


void sounds_free(struct sipd *sipd)
{
	while (sipd->sounds) {
		struct sound *sound = sipd->sounds;

		sipd->sounds = sound->next;
		free(sound);
	}
}
