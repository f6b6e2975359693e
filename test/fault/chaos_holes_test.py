#!/usr/bin/env python3
"""What chaos judges by: whose a hole is, and what of it counts."""

import unittest

from chaos_holes import Stillness, Verdict


def verdict(kills=(), stops=(), holes=(), still=()):
    return Verdict(kills, stops, holes, Stillness(["begin", *still]))


class Whose(unittest.TestCase):
    def test_a_hole_around_a_kill_is_that_kills(self):
        v = verdict(kills=[100.0], holes=[(99.99, 12.0), (99.995, 15.0)])
        self.assertEqual((v.kill_median(), v.kill_worst()), (15.0, 15.0))
        self.assertEqual(v.apart, [])

    def test_a_kill_without_a_hole_counts_as_none(self):
        v = verdict(kills=[100.0, 200.0], holes=[(99.99, 12.0)])
        self.assertEqual(v.kill_median(), 6.0)

    def test_what_was_silent_before_the_kill_is_not_the_kills(self):
        v = verdict(kills=[100.0], holes=[(99.5, 490.0)])
        self.assertAlmostEqual(v.kill_worst(), 10.0)

    def test_a_hole_that_was_over_before_a_kill_is_nobodys(self):
        v = verdict(kills=[100.0], holes=[(99.5, 470.0)])
        self.assertEqual((v.kill_worst(), v.apart_worst()), (0.0, 470.0))

    def test_a_hole_within_a_second_after_a_kill_is_its(self):
        v = verdict(kills=[100.0], holes=[(100.9, 300.0)])
        self.assertEqual((v.kill_worst(), v.apart_worst()), (300.0, 0.0))

    def test_a_hole_later_than_that_is_nobodys(self):
        v = verdict(kills=[100.0], holes=[(101.1, 300.0)])
        self.assertEqual((v.kill_worst(), v.apart_worst()), (0.0, 300.0))

    def test_of_two_kills_it_is_the_one_it_began_behind(self):
        v = verdict(kills=[100.0, 100.6], holes=[(100.61, 50.0),
                                                 (100.3, 40.0)])
        self.assertEqual([k.counts for k in v.kills], [40.0, 50.0])

    def test_a_hole_that_spans_two_kills_is_the_firsts(self):
        v = verdict(kills=[100.0, 100.05], holes=[(99.99, 90.0)])
        self.assertEqual([k.counts for k in v.kills], [90.0, 0.0])

    def test_a_hole_while_mediad_was_stopped_is_no_kills(self):
        v = verdict(kills=[100.0], stops=[(98.4, 99.9)],
                    holes=[(98.39, 1600.0)])
        self.assertEqual((v.kill_worst(), v.apart_worst(),
                          v.stopped_worst()), (0.0, 0.0, 1600.0))

    def test_holes_of_many_streams_at_once_are_one_moment(self):
        v = verdict(holes=[(10.0 + n / 1000, 30.0) for n in range(20)] +
                    [(20.0, 40.0)])
        self.assertEqual(len(v.apart), 2)
        self.assertEqual((v.apart_over(35), v.apart_over(30)), (1, 2))


class Machine(unittest.TestCase):
    def test_what_the_machine_stood_still_does_not_count(self):
        v = verdict(kills=[100.0], holes=[(99.99, 50.0)],
                    still=["still 100.04 30.0 0"])
        self.assertAlmostEqual(v.kill_worst(), 20.0)
        self.assertAlmostEqual(v.kill_worst("measured"), 50.0)

    def test_it_counts_once_where_all_stand_still(self):
        v = verdict(holes=[(10.0, 50.0)],
                    still=["still 10.04 30.0 0", "still 10.045 30.0 1"])
        self.assertAlmostEqual(v.apart_worst(), 15.0)

    def test_what_was_before_or_behind_it_is_no_excuse(self):
        v = verdict(holes=[(10.0, 50.0)],
                    still=["still 9.99 30.0 0", "still 10.2 30.0 0"])
        self.assertAlmostEqual(v.apart_worst(), 50.0)

    def test_a_short_standstill_within_a_long_one_hides_nothing(self):
        v = verdict(holes=[(10.0, 80.0)],
                    still=["still 10.09 90.0 0", "still 10.01 5.0 1"])
        self.assertAlmostEqual(v.apart_worst(), 0.0)

    def test_what_the_host_took_in_small_pieces_does_not_count(self):
        v = verdict(holes=[(10.0, 80.0)],
                    still=["stolen 9.9 500 0", "stolen 9.95 200 1",
                           "stolen 10.03 520 0", "stolen 10.05 210 1",
                           "stolen 10.09 550 0", "stolen 10.2 900 0"])
        self.assertAlmostEqual(v.apart_worst(), 30.0)

    def test_what_was_seen_twice_is_taken_off_once(self):
        v = verdict(holes=[(10.0, 80.0)],
                    still=["stolen 9.9 500 0", "stolen 10.05 540 0",
                           "still 10.05 30.0 0"])
        self.assertAlmostEqual(v.apart_worst(), 40.0)
        v = verdict(holes=[(10.0, 80.0)],
                    still=["stolen 9.9 500 0", "stolen 10.05 520 0",
                           "still 10.06 45.0 0"])
        self.assertAlmostEqual(v.apart_worst(), 35.0)

    def test_what_the_host_took_before_or_behind_it_is_no_excuse(self):
        v = verdict(holes=[(10.0, 80.0)],
                    still=["stolen 9.99 500 0", "stolen 10.2 700 0"])
        self.assertAlmostEqual(v.apart_worst(), 80.0)

    def test_without_the_right_to_look_nothing_is_known(self):
        self.assertFalse(Stillness(["begin", "unknown"]).is_known)
        self.assertFalse(Stillness([]).is_known)
        self.assertTrue(Stillness(["begin"]).is_known)


if __name__ == "__main__":
    unittest.main()
