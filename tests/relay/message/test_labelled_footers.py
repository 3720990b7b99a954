"""Hiding tricks and honest footers, labelled by hand: precision 0.995, recall 0.9 (clauses 5.4, 5.5)."""

from labelled_cases import cases, fast_and_careful, seen

HONEST, TRICKS = cases("honest"), cases("tricks")


def test_the_set_is_large_enough_to_mean_something():
    assert len(TRICKS) >= 120
    assert len(HONEST) >= 120
    assert len({str(case) for case in TRICKS + HONEST}) == len(TRICKS + HONEST)


def test_no_link_counts_that_a_person_does_not_see_or_that_does_not_opt_out():
    right = sum(seen(case) for case in HONEST)
    wrong = [str(case) for case in TRICKS if seen(case)]

    assert right / (right + len(wrong)) >= 0.995, wrong
    assert wrong == []


def test_nine_of_ten_honest_footers_are_recognised():
    missed = [str(case) for case in HONEST if not seen(case)]

    assert len(missed) <= 0.1 * len(HONEST), missed


def test_where_the_fast_reader_sees_a_link_the_careful_one_does():
    for case in TRICKS + HONEST:
        if case.html:
            fast, careful = fast_and_careful(case)
            assert not fast or fast == careful, str(case)
