/**
 * @file supervisor/ctl_print.h  Answers as people read them
 */
#ifndef TANDEM_SUPERVISOR_CTL_PRINT_H
#define TANDEM_SUPERVISOR_CTL_PRINT_H

#include <stdio.h>

#include <jansson.h>

/** Rows as a table, columns in the order in which they first appear; one row
 *  that holds lists, line by line */
void ctl_print(FILE *f, const json_t *rows);

#endif
