package store

import "flattr/ledger/flattr"

// whatCounts derives from the log which click counts at each spot (product
// rule 7), and which of them gave way at the freeze (rule 10), and compares
// that with counted and snapshot_merged, both ways.
//
// In the order of (time, id) the click that counts is the one that no undo
// follows and no click since the last undo comes before. An undo stands where its time and id put it, but never before
// the click it names; a click that was voided stands nowhere.
var whatCounts = proof{
	"%v, reader %v, thing %v: click %v (gave way at the freeze: %v) is %v",
	`
WITH click AS MATERIALIZED (
    SELECT bucket, reader, thing, id, at, late FROM event
    WHERE month = $1 AND bucket >= $2 AND bucket < $3 AND kind = 'click'
), undo AS MATERIALIZED (
    SELECT c.bucket, c.reader, c.thing, c.id AS click, c.at AS clicked, u.kind, u.id, u.at
    FROM click c JOIN event u ON u.click = c.id
    WHERE u.reader = c.reader AND u.kind <> 'click' AND u.result <> 'refused'
), step AS (
    SELECT bucket, reader, thing, at, id, 0 AS undone, late FROM click
    WHERE id NOT IN (SELECT click FROM undo WHERE kind = 'void')
    UNION ALL
    SELECT bucket, reader, thing, CASE WHEN (at, id) < (clicked, click) THEN clicked ELSE at END,
           CASE WHEN (at, id) < (clicked, click) THEN click ELSE id END, 1, 0
    FROM undo WHERE kind = 'undo'
), followed AS (
    SELECT bucket, reader, thing, at, id, undone, late,
           SUM(undone) OVER spot AS undos, LEAD(undone) OVER spot AS before
    FROM step
    WINDOW spot AS (PARTITION BY bucket, reader, thing ORDER BY at DESC, id DESC, undone DESC ROWS UNBOUNDED PRECEDING)
), standing AS MATERIALIZED (
    SELECT bucket, reader, thing, at, id, late FROM followed
    WHERE undone = 0 AND undos = 0 AND COALESCE(before, 1) = 1
), alias AS MATERIALIZED (
    SELECT thing, target FROM snapshot_thing WHERE month = $1 AND target IS NOT NULL
    UNION SELECT target, target FROM snapshot_thing WHERE month = $1 AND target IS NOT NULL
), ranked AS (
    SELECT s.bucket, s.reader, s.thing, s.id, s.late,
           ROW_NUMBER() OVER (PARTITION BY s.bucket, s.reader, a.target ORDER BY s.at, s.id) AS n
    FROM standing s JOIN alias a ON a.thing = s.thing
    UNION ALL
    SELECT bucket, reader, thing, id, late, 1 FROM standing WHERE thing NOT IN (SELECT thing FROM alias)
), compared AS (
    SELECT bucket, reader, thing, id, late, CASE n WHEN 1 THEN 0 ELSE 1 END AS merged, 1 AS side FROM ranked
    UNION ALL
    SELECT bucket, reader, thing, click, late, 0, -1 FROM counted
    WHERE month = $1 AND bucket >= $2 AND bucket < $3
    UNION ALL
    SELECT bucket, reader, thing, click, late, 1, -1 FROM snapshot_merged
    WHERE month = $1 AND bucket >= $2 AND bucket < $3
)
SELECT CAST($1 AS BIGINT) AS month, reader, thing, id AS click, merged,
       CASE WHEN SUM(side) < 0 THEN 'kept as one that counts, which by the log it is not'
            ELSE 'not kept as the one that counts, which by the log it is' END
FROM compared GROUP BY bucket, reader, thing, id, late, merged HAVING SUM(side) <> 0`,
}

// ProveCounting compares what counts in a month, for the readers of a range of
// buckets, with what the log says.
func (tx *Tx) ProveCounting(month flattr.Month, r Range, found func(string)) error {
	return whatCounts.run(tx, found, int32(month), r.From, r.To)
}

// logProofs are what must hold for the log as a whole.
var logProofs = []proof{
	{
		"%v has clicks, sums or accounts, and nothing says how far it has come",
		`
SELECT month FROM (
    SELECT DISTINCT month FROM event WHERE month IS NOT NULL UNION SELECT month FROM counted
    UNION SELECT month FROM snapshot_budget UNION SELECT month FROM snapshot_thing UNION SELECT month FROM thing_sum
    UNION SELECT month FROM earning UNION SELECT month FROM author_sum UNION SELECT month FROM promise
    UNION SELECT month FROM account WHERE month <> 0
) used WHERE month NOT IN (SELECT month FROM month) ORDER BY month`,
	},
	{
		"%v: the log has clicks of reader %v, who is no member in bucket %v",
		`
SELECT month, reader, bucket FROM (SELECT DISTINCT month, bucket, reader FROM event WHERE month IS NOT NULL) e
WHERE NOT EXISTS (SELECT 1 FROM member m WHERE m.bucket = e.bucket AND m.id = e.reader)`,
	},
	{
		"%v owners of things, claims, parts or accounts are no members",
		`
SELECT COUNT(*) FROM (
    SELECT owner FROM thing WHERE owner IS NOT NULL UNION SELECT owner FROM account WHERE owner <> 0
    UNION SELECT owner FROM claim UNION SELECT author FROM parts_author UNION SELECT author FROM snapshot_part
    UNION SELECT owner FROM snapshot_thing WHERE owner IS NOT NULL UNION SELECT author FROM author_sum
) named WHERE NOT EXISTS (SELECT 1 FROM member m WHERE m.id = named.owner) HAVING COUNT(*) > 0`,
	},
	{
		"the %v parts of %v sum to %v",
		`
SELECT COUNT(*), key, SUM(bp) FROM parts_author
GROUP BY key HAVING SUM(bp) <> 10000 OR MIN(position) <> 1 OR MAX(position) <> COUNT(*)`,
	},
	{
		"%v things that clicks or snapshots name are not there",
		`
SELECT COUNT(*) FROM (
    SELECT thing FROM counted UNION SELECT thing FROM snapshot_thing UNION SELECT thing FROM promise
    UNION SELECT target FROM snapshot_thing WHERE target IS NOT NULL UNION SELECT thing FROM earning
) named WHERE NOT EXISTS (SELECT 1 FROM thing t WHERE t.id = named.thing) HAVING COUNT(*) > 0`,
	},
}

// ProveLog holds what must hold for the log as a whole.
func (tx *Tx) ProveLog(found func(string)) error { return tx.proveAll(logProofs, found) }
