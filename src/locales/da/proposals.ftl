# Why a committee should be changed.

proposal-become_staff_meeting = Her arbejder { $headcount }; under { $limit } kan det være et personalemøde.
proposal-become_committee = Her arbejder { $headcount }; fra { $limit } skal der være et udvalg.
proposal-unit_ended = Enheden { $unit } ophørte { $day }.
proposal-holder_left = Den, der har pladsen, fratrådte { $day }.
proposal-two_chairs = Udvalget har mere end én formand.
proposal-no_chair = Udvalget har ingen formand.
proposal-no_safety_rep = Udvalget har ingen arbejdsmiljørepræsentant.
