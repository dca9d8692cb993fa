package book

import "flattr/ledger/money"

// Why no int64 can overflow, and why no settlement can be refused for it.
//
// Put in: an amount that is read from outside is at most money.Max. The debits of
// bank and of gift, from which alone money comes to members, end at MaxPutIn: a
// top-up, an opening or a welcome beyond that is refused before anything is
// booked. So what stands on means, held, clearing and revenue above 0 is at most
// 2*MaxPutIn in all, and with it every sum of budgets, shares, means and what
// authors get.
//
// To and fro: debits and credits of an account only grow, and a budget that is
// held and released counts each time. The one statement that changes them
// refuses debits above MaxDebits and credits above MaxCredits, so that neither
// they nor a sum with one more amount leave an int64.
//
// Never too late: the debits of an account that holds money are at most its
// credits, and its credits at most its debits and 2*MaxPutIn. So MaxDebits is met
// where money goes out of means or revenue (a click, a raise, a refund, a gift,
// a reversal), and refuses that; what comes back at an undo or a freeze, and what
// a settlement posts, meets neither bound.
//
// What alone has no bound is the sum of all transfers there ever were; nothing
// rests on it, and who adds them up must use wider numbers.
const (
	MaxPutIn   money.Micro = 1 << 56       // 72 billion euro
	MaxDebits  money.Micro = 1 << 61       // 2.3 trillion euro
	MaxCredits             = 2 * MaxDebits // above MaxDebits and all there can be
)
