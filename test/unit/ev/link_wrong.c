/**
 * @file test/unit/ev/link_wrong.c  A program on libre's own loop and timers
 *
 * What every daemon would be if tandem_re were forgotten; tools/check-link
 * must refuse it.
 */
#include <re.h>


int main(void)
{
	struct tmr tmr;

	tmr_init(&tmr);
	tmr_start(&tmr, 0, NULL, NULL);
	tmr_cancel(&tmr);
	fd_close(-1);

	return re_main(NULL);
}
