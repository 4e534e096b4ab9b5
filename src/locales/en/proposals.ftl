# Why a committee should be changed.

proposal-become_staff_meeting = { $headcount } work here; below { $limit } a staff meeting would do.
proposal-become_committee = { $headcount } work here; from { $limit } on there should be a committee.
proposal-unit_ended = The unit { $unit } ended on { $day }.
proposal-holder_left = Whoever holds the seat left on { $day }.
proposal-two_chairs = More than one person chairs the committee.
proposal-no_chair = Nobody chairs the committee.
proposal-no_safety_rep = The committee has no safety representative.
