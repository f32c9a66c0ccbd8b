"""One scenario per service: a story of calls that creates, reads, lists, changes, tags and deletes what the service has,
with the mistakes that callers make. A scenario is the function play of a recorder and of the side that it is
played against, compare.Side; it looks at answers only to go on with the ids that they hold."""
