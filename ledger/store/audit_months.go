package store

import "flattr/ledger/flattr"

// What the audit proves of a frozen month from what counts in it: the snapshot,
// what each thing and author gets.

// snapshotProofs are what must hold for the snapshot of a month, $1.
var snapshotProofs = []proof{
	{
		"%v: thing %v is clicked and the snapshot does not have it",
		`
SELECT month, thing FROM (
    SELECT month, thing FROM counted WHERE month = $1 UNION SELECT month, thing FROM snapshot_merged WHERE month = $1
) c WHERE NOT EXISTS (SELECT 1 FROM snapshot_thing t WHERE t.month = c.month AND t.thing = c.thing)`,
	},
	{
		"%v: the snapshot has thing %v, which nobody clicked",
		`
SELECT CAST($1 AS BIGINT) AS month, thing FROM (
    SELECT t.thing FROM snapshot_thing t
    WHERE t.month = $1 AND NOT EXISTS (SELECT 1 FROM counted c WHERE c.month = t.month AND c.thing = t.thing)
    EXCEPT SELECT thing FROM snapshot_merged WHERE month = $1
    EXCEPT SELECT target FROM snapshot_thing WHERE month = $1 AND target IS NOT NULL
) idle`,
	},
	{
		"%v: the snapshot gives thing %v, and what is an alias of it, %v owners",
		`
SELECT CAST($1 AS BIGINT) AS month, COALESCE(target, thing), COUNT(DISTINCT COALESCE(owner, 0))
FROM snapshot_thing WHERE month = $1 GROUP BY COALESCE(target, thing) HAVING COUNT(DISTINCT COALESCE(owner, 0)) > 1`,
	},
	{
		"%v: the %v parts of thing %v sum to %v, or do not name its owner",
		`
SELECT p.month, COUNT(*), p.thing, SUM(p.bp) FROM snapshot_part p
LEFT JOIN (
    SELECT DISTINCT COALESCE(target, thing) AS thing, owner FROM snapshot_thing WHERE month = $1
) o ON o.thing = p.thing
WHERE p.month = $1 GROUP BY p.month, p.thing
HAVING SUM(p.bp) <> 10000 OR COUNT(*) < 2 OR MIN(p.position) <> 1 OR MAX(p.position) <> COUNT(*)
    OR SUM(CASE WHEN p.author = o.owner THEN 1 ELSE 0 END) <> 1`,
	},
}

// budgets proves what each reader gives: the budget in force at the month's
// last instant, $4, by the history of budgets, or nothing where all are
// promises (product rules 8 and 12).
var budgets = proof{
	"%v: reader %v must give %v (%v times), the snapshot says %v (%v times)",
	`
WITH clicked AS (
    SELECT c.bucket, c.reader, MAX(CASE WHEN t.owner IS NULL THEN 0 ELSE 1 END) AS pays
    FROM counted c LEFT JOIN snapshot_thing t ON t.month = c.month AND t.thing = c.thing
    WHERE c.month = $1 AND c.bucket >= $2 AND c.bucket < $3 GROUP BY c.bucket, c.reader
), history AS (
    SELECT bucket, member, amount,
           ROW_NUMBER() OVER (PARTITION BY bucket, member
                              ORDER BY CASE WHEN at < $4 THEN -seq ELSE seq END) AS n
    FROM budget WHERE bucket >= $2 AND bucket < $3
), compared AS (
    SELECT c.bucket, c.reader, CASE c.pays WHEN 1 THEN h.amount ELSE 0 END AS must, 1 AS musts, 0 AS kept, 0 AS keeps
    FROM clicked c LEFT JOIN history h ON h.bucket = c.bucket AND h.member = c.reader AND h.n = 1
    UNION ALL
    SELECT bucket, reader, 0, 0, budget, 1 FROM snapshot_budget WHERE month = $1 AND bucket >= $2 AND bucket < $3
)
SELECT CAST($1 AS BIGINT) AS month, reader, CAST(SUM(must) AS TEXT), SUM(musts), CAST(SUM(kept) AS TEXT), SUM(keeps)
FROM compared GROUP BY bucket, reader
HAVING COALESCE(SUM(must), -1) <> SUM(kept) OR SUM(musts) <> 1 OR SUM(keeps) <> 1`,
}

// promises proves that each click for a thing without owner is kept as a promise
// (product rule 12).
var promises = proof{
	"%v: click %v of reader %v on thing %v is a promise, and is not kept so",
	`
SELECT c.month, c.click, c.reader, c.thing
FROM counted c JOIN snapshot_thing t ON t.month = c.month AND t.thing = c.thing
LEFT JOIN promise p ON p.thing = c.thing AND p.bucket = c.bucket AND p.reader = c.reader AND p.month = c.month
WHERE c.month = $1 AND c.bucket >= $2 AND c.bucket < $3 AND t.owner IS NULL
  AND (p.click IS NULL OR p.click <> c.click OR p.at <> (SELECT e.at FROM event e WHERE e.id = c.click))`,
}

// earnings splits what each thing brought by its parts: each rounded down, the
// rest to the first author named (product rule 13).
var earnings = proof{
	"%v: thing %v brings author %v %v for %v clicks, kept are %v for %v",
	`
WITH brought AS MATERIALIZED (
    SELECT thing, CAST(SUM(clicks) AS BIGINT) AS clicks, CAST(SUM(gross) AS BIGINT) AS gross, MAX(owner) AS owner
    FROM (
        SELECT thing, clicks, gross, CAST(NULL AS BIGINT) AS owner, 1 AS sums FROM thing_sum WHERE month = $1
        UNION ALL
        SELECT COALESCE(target, thing), 0, 0, owner, 0 FROM snapshot_thing WHERE month = $1
    ) known GROUP BY thing HAVING SUM(sums) > 0
), part AS (
    SELECT p.thing, p.position, p.author, b.clicks, b.gross,
           b.gross / 10000 * p.bp + b.gross % 10000 * p.bp / 10000 AS part
    FROM snapshot_part p JOIN brought b ON b.thing = p.thing WHERE p.month = $1
), divided AS (
    SELECT thing, position, author, clicks, gross, part, SUM(part) OVER (PARTITION BY thing) AS given FROM part
), compared AS (
    SELECT thing, author, clicks, CASE position WHEN 1 THEN part + gross - given ELSE part END AS gross,
           1 AS musts, 0 AS kept, 0 AS kept_clicks, 0 AS keeps
    FROM divided
    UNION ALL
    SELECT thing, owner, clicks, gross, 1, 0, 0, 0 FROM brought
    WHERE NOT EXISTS (SELECT 1 FROM snapshot_part p WHERE p.month = $1 AND p.thing = brought.thing)
    UNION ALL
    SELECT thing, author, 0, 0, 0, gross, clicks, 1 FROM earning WHERE month = $1
)
SELECT CAST($1 AS BIGINT) AS month, thing, author, CAST(SUM(gross) AS TEXT), SUM(clicks), CAST(SUM(kept) AS TEXT), SUM(kept_clicks)
FROM compared GROUP BY thing, author
HAVING SUM(gross) <> SUM(kept) OR SUM(clicks) <> SUM(kept_clicks) OR SUM(musts) <> SUM(keeps)`,
}

// authorSums sums what each author earns, and takes the fee of $2 basis points
// once (product: policy).
var authorSums = proof{
	"%v: author %v earns %v less %v for %v clicks (%v), kept are %v less %v for %v (%v)",
	`
WITH earned AS (
    SELECT author, CAST(SUM(clicks) AS BIGINT) AS clicks, CAST(SUM(gross) AS BIGINT) AS gross
    FROM earning WHERE month = $1 GROUP BY author
), compared AS (
    SELECT author, clicks, gross, gross / 10000 * $2 + gross % 10000 * $2 / 10000 AS fee, 1 AS musts,
           0 AS kept_clicks, 0 AS kept_gross, 0 AS kept_fee, 0 AS kept_net, 0 AS keeps
    FROM earned
    UNION ALL
    SELECT author, 0, 0, 0, 0, clicks, gross, fee, net, 1 FROM author_sum WHERE month = $1
)
SELECT CAST($1 AS BIGINT) AS month, author, CAST(SUM(gross) AS TEXT), CAST(SUM(fee) AS TEXT), SUM(clicks), SUM(musts),
       CAST(SUM(kept_gross) AS TEXT), CAST(SUM(kept_fee) AS TEXT), SUM(kept_clicks), SUM(keeps)
FROM compared GROUP BY author
HAVING SUM(gross) <> SUM(kept_gross) OR SUM(fee) <> SUM(kept_fee) OR SUM(clicks) <> SUM(kept_clicks)
    OR SUM(gross) - SUM(fee) <> SUM(kept_net) OR SUM(musts) <> SUM(keeps)`,
}

// policies proves that the policies of a month, $1, were in force when it was
// frozen, at $2: at that very instant both the old and the new value are. A month
// without clicks may be frozen at any time later, and its policies mean nothing;
// months frozen by an old ledger do not say how large budgets could be.
var policies = proof{
	"%v: the policy %v of %v was not in force at the freeze",
	`
SELECT month, name, value FROM (
    SELECT month, 'fee_bp' AS name, fee_bp AS value, 0 AS preset FROM month WHERE month = $1
    UNION ALL SELECT month, 'promise_months', promise_months, 6 FROM month WHERE month = $1
    UNION ALL SELECT month, 'max_budget', max_budget, 100000000 FROM month WHERE month = $1
) kept
WHERE EXISTS (SELECT 1 FROM snapshot_budget b WHERE b.month = kept.month)
  AND value <> COALESCE((SELECT p.value FROM policy p WHERE p.name = kept.name AND p.at <= $2 ORDER BY p.seq DESC LIMIT 1), preset)
  AND value <> COALESCE((SELECT p.value FROM policy p WHERE p.name = kept.name AND p.at < $2 ORDER BY p.seq DESC LIMIT 1), preset)`,
}

// ProveSnapshot holds what must hold for the snapshot of a frozen month.
func (tx *Tx) ProveSnapshot(m MonthRow, found func(string)) error {
	if err := tx.proveAll(snapshotProofs, found, int32(m.Month)); err != nil {
		return err
	}
	return policies.run(tx, found, int32(m.Month), micros(m.FrozenAt))
}

// ProveReaders proves what the readers of a range of buckets give in a frozen
// month, and their promises.
func (tx *Tx) ProveReaders(month flattr.Month, r Range, found func(string)) error {
	if err := budgets.run(tx, found, int32(month), r.From, r.To, micros(month.End())); err != nil {
		return err
	}
	return promises.run(tx, found, int32(month), r.From, r.To)
}

// ProveAuthors proves what the authors of a computed month earn.
func (tx *Tx) ProveAuthors(m MonthRow, found func(string)) error {
	if err := earnings.run(tx, found, int32(m.Month)); err != nil {
		return err
	}
	return authorSums.run(tx, found, int32(m.Month), m.FeeBP)
}
