// Package dynamodb keeps in Amazon DynamoDB what the desk asks to be kept.
//
// Six tables, all with keys of strings and no secondary index:
//
//	table        partition key  sort key    more                what it is for
//	prices       ticker                     price, version      what a ticker costs
//	users        user                                           who may watch
//	watches      user           ticker                          what a user watches, online or not
//	connections  connection                 user                who is on a connection
//	sessions     user           connection  endpoint            all connections of a user
//	watchers     ticker         connection  endpoint, expires   all connections that want a ticker's prices
//
// The first three persist; the last three are about open sockets and could be emptied whenever none is open. watchers
// says again what watches and sessions say together, so that one query finds everyone who must be told of a price, and
// each row holds the address to tell them at. Where the gateway has boards, a row names a board in place of all the
// connections that listen there: its connection is "@" and the board's id, and it counts until it expires. Rows of sockets that have gone are removed when a post to them fails.
//
// A price is written with an atomic count of the prices of its ticker (version), by which desks find out that a price
// was overtaken. Reads are consistent reads.
package dynamodb
