/**
 * @file sipd/verdict.c  How calls end, and when the next gateway is tried
 */
#include "sipd/verdict.h"
