/**
 * @file billingd/csv.h  A line of comma-separated values (RFC 4180)
 *
 * A record is a line: text with a line break in it is refused. Pure.
 */
#ifndef TANDEM_BILLINGD_CSV_H
#define TANDEM_BILLINGD_CSV_H

#include <stddef.h>

/**
 * Cut a line into its fields, in place
 *
 * @param line   Without its end; quotes are taken off in it
 * @param fields Point into line
 * @param countp How many there are
 *
 * @return 0 if success, EBADMSG if a quote is not closed or stands inside a
 *         field, E2BIG if there are more than max
 */
int csv_cut(char *line, char *fields[], size_t max, size_t *countp);

#endif
