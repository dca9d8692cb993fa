package main

// stories are what happens on readers' accounts: subscriptions (product rule
// 14), returned top-ups and refunds (rule 15), deletion (rule 16). In means
// stand, for each member: means, held, revenue, owed.
var stories = []story{{
	name: "three months, paused at the very instant of a month's start",
	// November begins before it is paused at that instant: it has its click.
	// December is paused; January, resumed at its very start, was decided before.
	world: `
		member ann 10.00
		member bob
		thing a bob
		2026-10-15T12:00:00Z subscribe 1 ann a 6
		2026-11-01T00:00:00Z pause 1 ann
		2027-01-01T00:00:00Z resume 1 ann`,
	want: `
		2026-10 ann a 2000000
		2026-10 ann = 2000000 1
		2026-11 ann a 2000000
		2026-11 ann = 2000000 1
		2026-12
		2027-01
		2027-02 ann a 2000000
		2027-02 ann = 2000000 1
		2027-03 ann a 2000000
		2027-03 ann = 2000000 1
		2027-04`,
	means: `ann 2.00 0.00 0.00 0.00`,
}, {
	name: "waiting for three months, then a top-up",
	// November and December are given up at their freezes, the last one at the
	// very instant of the top-up; January and, since it has begun, February are paid.
	world: `
		member ann 2.00
		member bob
		thing a bob
		2026-10-15T12:00:00Z subscribe 1 ann a
		2027-01-04T00:00:00Z credit ann 5.00 R
		2027-02-15T12:00:00Z stop 1 ann`,
	want: `
		2026-10 ann a 2000000
		2026-10 ann = 2000000 1
		2026-11
		2026-12
		2027-01 ann a 2000000
		2027-01 ann = 2000000 1
		2027-02 ann a 2000000
		2027-02 ann = 2000000 1
		2027-03`,
	means: `ann 1.00 0.00 0.00 0.00`,
}, {
	name: "two months wait and there are means for one",
	// On 2 November October, in its grace, and November wait: the older is paid.
	world: `
		member ann
		member bob
		thing a bob
		2026-10-15T12:00:00Z subscribe 1 ann a
		2026-11-02T12:00:00Z credit ann 3.99 R
		2026-12-05T12:00:00Z stop 1 ann`,
	want: `
		2026-10 ann a 2000000
		2026-10 ann = 2000000 1
		2026-11
		2026-12`,
	means: `ann 1.99 0.00 0.00 0.00`,
}, {
	name: "of two that wait for one month both are paid by one budget",
	world: `
		member ann
		member bob
		thing a bob
		thing b bob
		2026-10-15T12:00:00Z subscribe 2 ann b 3
		2026-10-15T12:00:00Z subscribe 1 ann a 3
		2026-10-20T12:00:00Z credit ann 2.00 R`,
	want: `
		2026-10 ann b 1000000
		2026-10 ann a 1000000
		2026-10 ann = 2000000 2
		2026-11`,
}, {
	name: "stopped in the grace while the month that ended waits",
	// November never comes; October was waiting and does so no longer.
	world: `
		member ann
		member bob
		thing a bob
		2026-10-15T12:00:00Z subscribe 1 ann a
		2026-11-02T00:00:00Z stop 1 ann
		2026-11-03T00:00:00Z credit ann 4.00 R`,
	want: `
		2026-10
		2026-11`,
	means: `ann 4.00 0.00 0.00 0.00`,
}, {
	name: "paused ends the waiting, resumed does not bring it back",
	world: `
		member ann
		member bob
		thing a bob
		2026-10-15T12:00:00Z subscribe 1 ann a
		2026-10-16T00:00:00Z pause 1 ann
		2026-10-17T00:00:00Z resume 1 ann
		2026-10-18T00:00:00Z credit ann 4.00 R
		2026-12-02T00:00:00Z stop 1 ann`,
	want: `
		2026-10
		2026-11 ann a 2000000
		2026-11 ann = 2000000 1
		2026-12 ann a 2000000
		2026-12 ann = 2000000 1
		2027-01`,
}, {
	name: "one's own thing after a claim",
	// ann's click of October is voided by her claim, which pays her November
	// nothing: she skips each month in which the thing is hers.
	world: `
		member ann 4.00
		member bob
		2026-10-15T12:00:00Z subscribe 1 ann a
		2026-10-20T12:00:00Z claim ann a
		2026-10-21T12:00:00Z subscribe 2 ann a
		2026-10-21T12:00:01Z subscribe 2 ann a
		2026-10-21T12:00:02Z subscribe 2 ann b
		2026-10-21T12:00:03Z stop 2 ann
		2026-10-22T12:00:00Z click 3 bob a`,
	said: `
		line 5: flattr_owner
		line 6: flattr_owner
		line 7: id_reused
		line 8: not_found
		line 9: no_means`,
	want: `
		2026-10
		2026-11`,
	means: `ann 4.00 0.00 0.00 0.00`,
}, {
	name: "co-author for a month only",
	// In November ann shares the thing; when December begins she does no longer.
	world: `
		member ann 8.00
		member bob
		member cyd
		thing a bob
		2026-10-15T12:00:00Z subscribe 1 ann a 3
		2026-10-31T12:00:00Z parts a bob ann
		2026-11-20T12:00:00Z parts a bob cyd`,
	want: `
		2026-10
		2026-11
		2026-12 ann a 2000000
		2026-12 ann = 2000000 1
		2027-01`,
	means: `
		ann 6.00 0.00 0.00 0.00
		cyd 0.00 0.00 1.00 0.00`,
}, {
	name: "the click that is there stays the only one",
	// October: click 9 was first. November: a late click of October is earlier
	// than the subscription's. December: undone, and clicked again.
	world: `
		member ann 8.00
		member bob
		thing a bob
		2026-10-14T12:00:00Z click 9 ann a
		2026-10-15T12:00:00Z subscribe 1 ann a 3
		2026-10-16T12:00:00Z click 8 ann a
		2026-10-30T12:00:00Z/2026-11-05T12:00:00Z click 7 ann a`,
	said: `
		line 6: flattr_once`,
	want: `
		2026-10 ann a 2000000
		2026-10 ann = 2000000 1
		2026-11 ann a 2000000
		2026-11 ann = 2000000 1
		2026-12 ann a 2000000
		2026-12 ann = 2000000 1`,
	means: `ann 2.00 0.00 0.00 0.00`,
}, {
	name: "what is no subscription of one's own",
	world: `
		member ann 8.00
		member bob 8.00
		thing a bob
		2026-10-15T12:00:00Z subscribe 1 ann a
		2026-10-16T12:00:00Z subscribe 1 ann a
		2026-10-16T12:00:01Z subscribe 1 ann a 3
		2026-10-16T12:00:02Z pause 1 bob
		2026-10-16T12:00:03Z stop 2 ann
		2026-10-16T12:00:04Z stop 1 ann
		2026-10-16T12:00:05Z stop 1 ann
		2026-10-16T12:00:06Z pause 1 ann`,
	said: `
		line 6: id_reused
		line 7: not_found
		line 8: not_found`,
	want: `
		2026-10 ann a 2000000
		2026-10 ann = 2000000 1
		2026-11`,
}, {
	name: "a budget that is lowered pays what waits",
	world: `
		member ann 3.00 4.00
		member bob
		thing a bob
		2026-10-15T12:00:00Z subscribe 1 ann a 3
		2026-10-20T12:00:00Z budget ann 3.00
		2026-11-20T12:00:00Z budget ann 2.00`,
	want: `
		2026-10 ann a 3000000
		2026-10 ann = 3000000 1
		2026-11`,
}, {
	name: "what comes back at an undo pays what waits",
	// bob's thing waits in November; undoing the click of October, which is in
	// its grace, brings the 2.00 that pay it.
	world: `
		member ann 2.00
		member bob
		thing a bob
		thing b bob
		2026-10-15T12:00:00Z click 1 ann a
		2026-11-01T12:00:00Z subscribe 2 ann b 3
		2026-11-02T12:00:00Z undo 3 ann 1`,
	want: `
		2026-10
		2026-11 ann b 2000000
		2026-11 ann = 2000000 1
		2026-12`,
}, {
	name: "a returned top-up, half of it held, is repaid by two",
	// 5.00, of which 2.00 are held: 3.00 go back, 2.00 are owed. What is held
	// stays, and is given. The first top-up is eaten up; the second leaves 1.00,
	// and the third brings the click of November that waited.
	world: `
		member ann
		member bob
		thing a bob
		thing b bob
		2026-10-01T12:00:00Z credit ann 5.00 R1
		2026-10-02T12:00:00Z subscribe 1 ann a 3
		2026-10-10T12:00:00Z return ann 5.00 R1
		2026-10-11T12:00:00Z return ann 5.00 R1
		2026-10-11T12:00:01Z return ann 1.00 R7
		2026-10-11T12:00:02Z return bob 5.00 R1
		2026-10-12T12:00:00Z click 2 ann b
		2026-11-10T12:00:00Z credit ann 1.50 R2
		2026-11-11T12:00:00Z click 3 ann b
		2026-11-12T12:00:00Z credit ann 1.50 R3
		2026-11-13T12:00:00Z click 4 ann b
		2026-11-14T12:00:00Z credit ann 1.00 R4
		2026-11-15T12:00:00Z click 4 ann b`,
	said: `
		line 9: not_found
		line 10: not_found
		line 11: no_means
		line 13: no_means
		line 15: no_means`,
	want: `
		2026-10 ann a 2000000
		2026-10 ann = 2000000 1
		2026-11 ann a 1000000
		2026-11 ann b 1000000
		2026-11 ann = 2000000 2`,
	means: `ann 0.00 0.00 0.00 0.00`,
}, {
	name: "what is owed is not paid from what was held",
	// The undo brings 2.00 back to the means; ann owes 1.00 all the same, and can
	// flattr when a top-up has repaid that.
	world: `
		member ann 1.00
		member bob
		thing a bob
		2026-10-01T12:00:00Z credit ann 2.00 R1
		2026-10-02T12:00:00Z click 1 ann a
		2026-10-03T12:00:00Z return ann 2.00 R1
		2026-10-04T12:00:00Z undo 2 ann 1
		2026-10-05T12:00:00Z click 3 ann a
		2026-10-06T12:00:00Z credit ann 1.00 R2
		2026-10-07T12:00:00Z click 4 ann a`,
	said: `line 8: no_means`,
	want: `
		2026-10 ann a 2000000
		2026-10 ann = 2000000 1`,
	means: `ann 0.00 0.00 0.00 0.00`,
}, {
	name: "means are paid back, what is held is not",
	world: `
		member ann 5.00
		member bob
		thing a bob
		2026-10-02T12:00:00Z click 1 ann a
		2026-10-03T12:00:00Z refund ann 3.01 B1
		2026-10-04T12:00:00Z refund ann 2.00 B1
		2026-10-05T12:00:00Z refund ann 2.00 B1
		2026-10-06T12:00:00Z refund ann 1.00 B2`,
	said: `line 5: no_means`,
	want: `
		2026-10 ann a 2000000
		2026-10 ann = 2000000 1`,
	means: `ann 0.00 0.00 0.00 0.00`,
}, {
	name: "deleted while subscribed, with clicks in two open months",
	// eve's clicks of October, in its grace, and of November are undone; nothing
	// of hers is in a statement. Her thing has no owner, so that dan's click is a
	// promise.
	world: `
		member ann 8.00
		member bob
		member dan 2.00
		member eve 4.00
		thing a bob
		thing e eve
		2026-10-02T12:00:00Z subscribe 1 eve a
		2026-10-03T12:00:00Z click 2 dan e
		2026-10-04T12:00:00Z click 3 ann a
		2026-11-02T12:00:00Z click 4 eve a
		2026-11-02T13:00:00Z delete eve
		2026-11-02T13:00:01Z delete dan
		2026-11-02T13:00:02Z delete ann`,
	said: `
		line 10: flattr_once
		line 13: balance_left`,
	want: `
		2026-10 ann a 2000000
		2026-10 ann = 2000000 1
		2026-11`,
	means: `ann 6.00 0.00 0.00 0.00`,
}, {
	name: "an author of a frozen month is not deleted, settled or not",
	// bob's part of October is posted when somebody settles it, which must not
	// matter to what is refused. cyd has a part in nothing that was clicked.
	world: `
		member ann 2.00
		member bob
		member cyd
		member eve
		thing a eve
		thing c cyd
		2026-10-01T12:00:00Z parts a bob eve
		2026-10-04T12:00:00Z click 1 ann a
		2026-11-04T00:00:00Z delete bob
		2026-11-04T00:00:01Z delete eve
		2026-11-04T00:00:02Z delete cyd`,
	said: `
		line 9: balance_left
		line 10: balance_left`,
	want: `
		2026-10 ann a 2000000
		2026-10 ann = 2000000 1`,
	means: `
		bob 0.00 0.00 1.00 0.00
		eve 0.00 0.00 1.00 0.00`,
}, {
	name: "the undo of another's click that a subscription made",
	// November has begun, though nobody has looked at ann's month yet: the click
	// is there and not bob's. Hers of December waits for it to be made.
	world: `
		member ann 8.00
		member bob
		thing a bob
		2026-10-04T12:00:00Z subscribe 1 ann a 3
		2026-11-02T12:00:00Z undo 2 bob 1@2026-11
		2026-11-03T12:00:00Z undo 3 ann 1@2026-12`,
	said: `line 5: not_found`,
	want: `
		2026-10 ann a 2000000
		2026-10 ann = 2000000 1
		2026-11 ann a 2000000
		2026-11 ann = 2000000 1
		2026-12`,
	means: `ann 4.00 0.00 0.00 0.00`,
}}
