/**
 * @file sipd/txn_fsm.c  The states of transactions, as tables
 *
 * One row answers one question: in this state, when this happens, what is
 * done and where are we then? An event without a row cannot matter: it is
 * absorbed.
 */
#include "sipd/txn_fsm.h"

/* clang-format off */
const struct txn_state_def txn_server_states[TXN_S_STATEC] = {
	/*                     name           wait             resends message text */
	[TXN_S_NONE]        = { "none",        TXN_WAIT_NONE,   false, false, false },
	[TXN_S_PROCEEDING]  = { "proceeding",  TXN_WAIT_NONE,   false, true,  true  },
	[TXN_S_RELIABLE]    = { "reliable",    TXN_WAIT_TOTAL,  true,  true,  true  },
	[TXN_S_ACCEPTED]    = { "accepted",    TXN_WAIT_TOTAL,  true,  true,  true  }, /* Timer L */
	[TXN_S_ACKED]       = { "acked",       TXN_WAIT_KEEP,   false, false, false },
	[TXN_S_COMPLETED]   = { "completed",   TXN_WAIT_TOTAL,  true,  true,  true  }, /* Timer G, H */
	[TXN_S_CONFIRMED]   = { "confirmed",   TXN_WAIT_LINGER, false, false, false }, /* Timer I */
	[TXN_S_TRYING]      = { "trying",      TXN_WAIT_TOTAL,  false, false, true  },
	[TXN_S_PROGRESSING] = { "progressing", TXN_WAIT_KEEP,   false, true,  true  },
	[TXN_S_ANSWERED]    = { "answered",    TXN_WAIT_LINGER, false, true,  false }, /* Timer J */
	[TXN_S_IGNORED]     = { "ignored",     TXN_WAIT_TOTAL,  false, false, false },
	[TXN_S_ENDED]       = { "ended",       TXN_WAIT_NONE,   false, false, false },
};

const struct txn_row txn_server_rows[TXN_S_STATEC][TXN_S_EVENTC] = {

/* --- INVITE: RFC 3261 17.2.1, RFC 6026 7.1 -------------------------------- */

[TXN_S_PROCEEDING] = {
	[TXN_S_EV_REQUEST]     = { TXN_S_ACT_AGAIN,     TXN_S_PROCEEDING },
	[TXN_S_EV_CANCEL]      = { TXN_S_ACT_CANCELLED, TXN_S_PROCEEDING },
	[TXN_S_EV_PROVISIONAL] = { TXN_S_ACT_STORE,     TXN_S_PROCEEDING },
	[TXN_S_EV_RELIABLE]    = { TXN_S_ACT_START,     TXN_S_RELIABLE   },
	[TXN_S_EV_OK]          = { TXN_S_ACT_START,     TXN_S_ACCEPTED   },
	[TXN_S_EV_REFUSE]      = { TXN_S_ACT_START,     TXN_S_COMPLETED  },
	[TXN_S_EV_IGNORE]      = { TXN_S_ACT_NONE,      TXN_S_IGNORED    },
	[TXN_S_EV_FAIL]        = { TXN_S_ACT_BROKEN,    TXN_S_IGNORED    },
},
[TXN_S_RELIABLE] = { /* RFC 3262 3 */
	[TXN_S_EV_REQUEST]     = { TXN_S_ACT_AGAIN,     TXN_S_RELIABLE   },
	[TXN_S_EV_CANCEL]      = { TXN_S_ACT_CANCELLED, TXN_S_RELIABLE   },
	[TXN_S_EV_PROVISIONAL] = { TXN_S_ACT_PASS,      TXN_S_RELIABLE   },
	[TXN_S_EV_RELIABLE]    = { TXN_S_ACT_START,     TXN_S_RELIABLE   },
	[TXN_S_EV_OK]          = { TXN_S_ACT_START,     TXN_S_ACCEPTED   },
	[TXN_S_EV_REFUSE]      = { TXN_S_ACT_START,     TXN_S_COMPLETED  },
	[TXN_S_EV_PRACKED]     = { TXN_S_ACT_DROP,      TXN_S_PROCEEDING },
	[TXN_S_EV_IGNORE]      = { TXN_S_ACT_NONE,      TXN_S_IGNORED    },
	[TXN_S_EV_RESEND]      = { TXN_S_ACT_AGAIN,     TXN_S_RELIABLE   },
	[TXN_S_EV_DEADLINE]    = { TXN_S_ACT_UNPRACKED, TXN_S_PROCEEDING },
	[TXN_S_EV_FAIL]        = { TXN_S_ACT_BROKEN,    TXN_S_IGNORED    },
},
[TXN_S_ACCEPTED] = {
	[TXN_S_EV_REQUEST]     = { TXN_S_ACT_NONE,      TXN_S_ACCEPTED   }, /* the list resends */
	[TXN_S_EV_ACK]         = { TXN_S_ACT_ACK,       TXN_S_ACCEPTED   }, /* RFC 2543: the same key */
	[TXN_S_EV_CANCEL]      = { TXN_S_ACT_CANCEL_OK, TXN_S_ACCEPTED   },
	[TXN_S_EV_ACKED]       = { TXN_S_ACT_NONE,      TXN_S_ACKED      },
	[TXN_S_EV_RESEND]      = { TXN_S_ACT_AGAIN,     TXN_S_ACCEPTED   },
	[TXN_S_EV_DEADLINE]    = { TXN_S_ACT_UNACKED,   TXN_S_ENDED      },
	[TXN_S_EV_FAIL]        = { TXN_S_ACT_BROKEN,    TXN_S_IGNORED    },
},
[TXN_S_ACKED] = {
	[TXN_S_EV_REQUEST]     = { TXN_S_ACT_NONE,      TXN_S_ACKED      },
	[TXN_S_EV_ACK]         = { TXN_S_ACT_ACK,       TXN_S_ACKED      },
	[TXN_S_EV_CANCEL]      = { TXN_S_ACT_CANCEL_OK, TXN_S_ACKED      },
	[TXN_S_EV_DEADLINE]    = { TXN_S_ACT_NONE,      TXN_S_ENDED      },
},
[TXN_S_COMPLETED] = {
	[TXN_S_EV_REQUEST]     = { TXN_S_ACT_AGAIN,     TXN_S_COMPLETED  },
	[TXN_S_EV_ACK]         = { TXN_S_ACT_ACKED,     TXN_S_CONFIRMED  },
	[TXN_S_EV_CANCEL]      = { TXN_S_ACT_CANCEL_OK, TXN_S_COMPLETED  },
	[TXN_S_EV_RESEND]      = { TXN_S_ACT_AGAIN,     TXN_S_COMPLETED  },
	[TXN_S_EV_DEADLINE]    = { TXN_S_ACT_UNACKED,   TXN_S_ENDED      },
	[TXN_S_EV_FAIL]        = { TXN_S_ACT_BROKEN,    TXN_S_IGNORED    },
},
[TXN_S_CONFIRMED] = {
	[TXN_S_EV_REQUEST]     = { TXN_S_ACT_NONE,      TXN_S_CONFIRMED  },
	[TXN_S_EV_ACK]         = { TXN_S_ACT_NONE,      TXN_S_CONFIRMED  },
	[TXN_S_EV_CANCEL]      = { TXN_S_ACT_CANCEL_OK, TXN_S_CONFIRMED  },
	[TXN_S_EV_DEADLINE]    = { TXN_S_ACT_NONE,      TXN_S_ENDED      },
},

/* --- others: 17.2.2 ------------------------------------------------------- */

[TXN_S_TRYING] = {
	[TXN_S_EV_REQUEST]     = { TXN_S_ACT_NONE,      TXN_S_TRYING      },
	[TXN_S_EV_PROVISIONAL] = { TXN_S_ACT_STORE,     TXN_S_PROGRESSING },
	[TXN_S_EV_OK]          = { TXN_S_ACT_STORE,     TXN_S_ANSWERED    },
	[TXN_S_EV_REFUSE]      = { TXN_S_ACT_STORE,     TXN_S_ANSWERED    },
	[TXN_S_EV_IGNORE]      = { TXN_S_ACT_NONE,      TXN_S_IGNORED     },
	[TXN_S_EV_DEADLINE]    = { TXN_S_ACT_NONE,      TXN_S_ENDED       }, /* nobody waits for it now */
},
[TXN_S_PROGRESSING] = {
	[TXN_S_EV_REQUEST]     = { TXN_S_ACT_AGAIN,     TXN_S_PROGRESSING },
	[TXN_S_EV_PROVISIONAL] = { TXN_S_ACT_STORE,     TXN_S_PROGRESSING },
	[TXN_S_EV_OK]          = { TXN_S_ACT_STORE,     TXN_S_ANSWERED    },
	[TXN_S_EV_REFUSE]      = { TXN_S_ACT_STORE,     TXN_S_ANSWERED    },
	[TXN_S_EV_IGNORE]      = { TXN_S_ACT_NONE,      TXN_S_IGNORED     },
	[TXN_S_EV_DEADLINE]    = { TXN_S_ACT_NONE,      TXN_S_ENDED       },
	[TXN_S_EV_FAIL]        = { TXN_S_ACT_BROKEN,    TXN_S_IGNORED     },
},
[TXN_S_ANSWERED] = {
	[TXN_S_EV_REQUEST]     = { TXN_S_ACT_AGAIN,     TXN_S_ANSWERED    },
	[TXN_S_EV_DEADLINE]    = { TXN_S_ACT_NONE,      TXN_S_ENDED       },
},

[TXN_S_IGNORED] = {
	[TXN_S_EV_REQUEST]     = { TXN_S_ACT_NONE,      TXN_S_IGNORED     },
	[TXN_S_EV_ACK]         = { TXN_S_ACT_NONE,      TXN_S_IGNORED     },
	[TXN_S_EV_CANCEL]      = { TXN_S_ACT_NONE,      TXN_S_IGNORED     },
	[TXN_S_EV_DEADLINE]    = { TXN_S_ACT_NONE,      TXN_S_ENDED       },
},
};

const struct txn_state_def txn_client_states[TXN_C_STATEC] = {
	/*                       name              wait             resends message text */
	[TXN_C_NONE]           = { "none",           TXN_WAIT_NONE,   false, false, false },
	[TXN_C_CALLING]        = { "calling",        TXN_WAIT_LIST,   true,  true,  true  }, /* Timer A, B */
	[TXN_C_CANCEL_WAITS]   = { "cancel_waits",   TXN_WAIT_KEEP,   true,  true,  true  },
	[TXN_C_PROCEEDING]     = { "proceeding",     TXN_WAIT_NONE,   false, false, true  },
	[TXN_C_CANCELLING]     = { "cancelling",     TXN_WAIT_TOTAL,  false, false, true  }, /* 9.1: 64*T1 */
	[TXN_C_ACCEPTED]       = { "accepted",       TXN_WAIT_TOTAL,  false, false, false }, /* Timer M */
	[TXN_C_COMPLETED]      = { "completed",      TXN_WAIT_LINGER, false, false, true  }, /* Timer D */
	[TXN_C_LOST]           = { "lost",           TXN_WAIT_TOTAL,  false, false, true  },
	[TXN_C_LOST_CANCELLED] = { "lost_cancelled", TXN_WAIT_TOTAL,  false, false, true  },
	[TXN_C_TRYING]         = { "trying",         TXN_WAIT_LIST,   true,  true,  false }, /* Timer E, F */
	[TXN_C_PROGRESSING]    = { "progressing",    TXN_WAIT_LIST,   true,  true,  false },
	[TXN_C_ANSWERED]       = { "answered",       TXN_WAIT_SHORT,  false, false, false }, /* Timer K */
	[TXN_C_ENDED]          = { "ended",          TXN_WAIT_NONE,   false, false, false },
};

const struct txn_row txn_client_rows[TXN_C_STATEC][TXN_C_EVENTC] = {

/* --- INVITE: RFC 3261 17.1.1, RFC 6026 7.2 -------------------------------- */

[TXN_C_CALLING] = {
	[TXN_C_EV_PROVISIONAL] = { TXN_C_ACT_TELL,        TXN_C_PROCEEDING   },
	[TXN_C_EV_OK]          = { TXN_C_ACT_TELL,        TXN_C_ACCEPTED     },
	[TXN_C_EV_REFUSED]     = { TXN_C_ACT_ACK_TELL,    TXN_C_COMPLETED    },
	[TXN_C_EV_CANCEL]      = { TXN_C_ACT_NONE,        TXN_C_CANCEL_WAITS }, /* 9.1 */
	[TXN_C_EV_FORGET]      = { TXN_C_ACT_NONE,        TXN_C_CANCEL_WAITS },
	[TXN_C_EV_RESEND]      = { TXN_C_ACT_AGAIN,       TXN_C_CALLING      },
	[TXN_C_EV_TIMEOUT]     = { TXN_C_ACT_TIMED_OUT,   TXN_C_LOST         },
	[TXN_C_EV_DEADLINE]    = { TXN_C_ACT_GONE,        TXN_C_LOST         },
	[TXN_C_EV_FAIL]        = { TXN_C_ACT_FAILED,      TXN_C_LOST         },
},
[TXN_C_CANCEL_WAITS] = {
	[TXN_C_EV_PROVISIONAL] = { TXN_C_ACT_CANCEL_TELL, TXN_C_CANCELLING   },
	[TXN_C_EV_OK]          = { TXN_C_ACT_TELL,        TXN_C_ACCEPTED     },
	[TXN_C_EV_REFUSED]     = { TXN_C_ACT_ACK_TELL,    TXN_C_COMPLETED    },
	[TXN_C_EV_RESEND]      = { TXN_C_ACT_AGAIN,       TXN_C_CANCEL_WAITS },
	[TXN_C_EV_TIMEOUT]     = { TXN_C_ACT_TIMED_OUT,   TXN_C_LOST         },
	[TXN_C_EV_DEADLINE]    = { TXN_C_ACT_GONE,        TXN_C_LOST         },
	[TXN_C_EV_FAIL]        = { TXN_C_ACT_FAILED,      TXN_C_LOST         },
},
[TXN_C_PROCEEDING] = {
	[TXN_C_EV_PROVISIONAL] = { TXN_C_ACT_TELL,        TXN_C_PROCEEDING   },
	[TXN_C_EV_OK]          = { TXN_C_ACT_TELL,        TXN_C_ACCEPTED     },
	[TXN_C_EV_REFUSED]     = { TXN_C_ACT_ACK_TELL,    TXN_C_COMPLETED    },
	[TXN_C_EV_CANCEL]      = { TXN_C_ACT_CANCEL,      TXN_C_CANCELLING   },
	[TXN_C_EV_FORGET]      = { TXN_C_ACT_CANCEL,      TXN_C_CANCELLING   },
},
[TXN_C_CANCELLING] = {
	[TXN_C_EV_PROVISIONAL] = { TXN_C_ACT_TELL,        TXN_C_CANCELLING   },
	[TXN_C_EV_OK]          = { TXN_C_ACT_TELL,        TXN_C_ACCEPTED     }, /* they crossed */
	[TXN_C_EV_REFUSED]     = { TXN_C_ACT_ACK_TELL,    TXN_C_COMPLETED    },
	[TXN_C_EV_DEADLINE]    = { TXN_C_ACT_GONE,        TXN_C_LOST_CANCELLED },
},
[TXN_C_ACCEPTED] = {
	[TXN_C_EV_OK]          = { TXN_C_ACT_TELL,        TXN_C_ACCEPTED     },
	[TXN_C_EV_DEADLINE]    = { TXN_C_ACT_NONE,        TXN_C_ENDED        },
},
[TXN_C_COMPLETED] = {
	[TXN_C_EV_OK]          = { TXN_C_ACT_TELL,        TXN_C_COMPLETED    }, /* of another branch */
	[TXN_C_EV_REFUSED]     = { TXN_C_ACT_ACK,         TXN_C_COMPLETED    },
	[TXN_C_EV_DEADLINE]    = { TXN_C_ACT_NONE,        TXN_C_ENDED        },
},
[TXN_C_LOST] = {
	[TXN_C_EV_PROVISIONAL] = { TXN_C_ACT_CANCEL,      TXN_C_LOST_CANCELLED },
	[TXN_C_EV_OK]          = { TXN_C_ACT_TELL,        TXN_C_ACCEPTED     },
	[TXN_C_EV_REFUSED]     = { TXN_C_ACT_ACK,         TXN_C_COMPLETED    },
	[TXN_C_EV_DEADLINE]    = { TXN_C_ACT_NONE,        TXN_C_ENDED        },
},
[TXN_C_LOST_CANCELLED] = {
	[TXN_C_EV_OK]          = { TXN_C_ACT_TELL,        TXN_C_ACCEPTED     },
	[TXN_C_EV_REFUSED]     = { TXN_C_ACT_ACK,         TXN_C_COMPLETED    },
	[TXN_C_EV_DEADLINE]    = { TXN_C_ACT_NONE,        TXN_C_ENDED        },
},

/* --- others: 17.1.2 ------------------------------------------------------- */

[TXN_C_TRYING] = {
	[TXN_C_EV_PROVISIONAL] = { TXN_C_ACT_TELL,        TXN_C_PROGRESSING  },
	[TXN_C_EV_OK]          = { TXN_C_ACT_TELL,        TXN_C_ANSWERED     },
	[TXN_C_EV_REFUSED]     = { TXN_C_ACT_TELL,        TXN_C_ANSWERED     },
	[TXN_C_EV_RESEND]      = { TXN_C_ACT_AGAIN,       TXN_C_TRYING       },
	[TXN_C_EV_TIMEOUT]     = { TXN_C_ACT_TIMED_OUT,   TXN_C_ENDED        },
	[TXN_C_EV_DEADLINE]    = { TXN_C_ACT_GONE,        TXN_C_ENDED        },
	[TXN_C_EV_FAIL]        = { TXN_C_ACT_FAILED,      TXN_C_ENDED        },
},
[TXN_C_PROGRESSING] = {
	[TXN_C_EV_PROVISIONAL] = { TXN_C_ACT_TELL,        TXN_C_PROGRESSING  },
	[TXN_C_EV_OK]          = { TXN_C_ACT_TELL,        TXN_C_ANSWERED     },
	[TXN_C_EV_REFUSED]     = { TXN_C_ACT_TELL,        TXN_C_ANSWERED     },
	[TXN_C_EV_RESEND]      = { TXN_C_ACT_AGAIN,       TXN_C_PROGRESSING  },
	[TXN_C_EV_DEADLINE]    = { TXN_C_ACT_GONE,        TXN_C_ENDED        },
	[TXN_C_EV_FAIL]        = { TXN_C_ACT_FAILED,      TXN_C_ENDED        },
},
[TXN_C_ANSWERED] = {
	[TXN_C_EV_DEADLINE]    = { TXN_C_ACT_NONE,        TXN_C_ENDED        },
},
};
/* clang-format on */
