// Package quotes is the domain: who watches which ticker on which connection, what it costs now, and who must be told.
//
// A [Desk] does the work. A page's messages go to [Desk.Receive], a closed connection to [Desk.Disconnect], new prices
// to [Desk.Publish]. The desk keeps nothing itself: any number of desks, in any number of processes, work on one
// [Store] at the same time, and speak to the pages through one [Poster], to many of them at once through [Boards]. The package knows no AWS and no HTTP.
//
// # Messages
//
// Messages are JSON text. Prices are whole cents. A page sends:
//
//	{"action":"user","id":"user003"}     says who it is; answered by quotes of everything that this user watches
//	{"action":"watch","ticker":"EIQQ"}   adds a ticker to what the user watches
//	{"action":"unwatch","ticker":"EIQQ"} removes one
//	{"action":"watches"}                 asks for the list of what the user watches
//	{"action":"users"}                   asks who can be chosen, before or after it says who it is
//
// A page receives:
//
//	{"action":"quotes","connection-id":"O9iVddyboAMCJ1A=","quotes":[{"ticker":"EIQQ","price":2200}]}
//	{"action":"watches","tickers":["EIQQ","MODD"]}
//	{"action":"users","users":["user001","user002"]}
//	{"action":"error","message":"there is no user \"user999\"; {\"action\":\"users\"} lists the users"}
//
// The list in watches is whole. It also goes to all connections of a user whenever it has changed; after watch, the
// quote of the new ticker follows. A page may get a late price of a ticker that it has just removed: a ticker that
// is not on the last list is not watched.
//
// # No price turns back
//
// Several desks publish and answer at the same time, so a price that was read early can be posted late. The store
// counts the prices of each ticker (see [Stored]). Whoever has posted a price then looks whether it is still the
// newest, and if not posts the newest to the same connections, until nothing newer is there. A page thus ends on the
// newest price whatever the order in which posts overtook each other, with no lock and no clock; the price of this is
// one read after each delivery, when the receivers already have what they wait for. Lists of watches settle likewise.
//
// # Boards
//
// Where the gateway has a [Board], it keeps itself who listens to which ticker, and a price for all of them is one message
// to the board, not one to each. The store then has one row for a ticker and a board, and none for a connection. The board
// compares versions, so nobody need look again after a delivery. The desk does the same at gateways with boards and
// without: it asks [Boards], is told [ErrNoBoards], and goes on by the store and the [Poster].
package quotes
