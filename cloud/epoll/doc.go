// Package epoll lets a goroutine wait for many TCP sockets at once, where the kernel is Linux.
//
// A [Poll] is itself watched by the runtime's poller: waiting holds no thread, and a wake-up is a goroutine's. What is
// reported of a socket is reported once, when it changes; so no call has to say what is of interest now. [Read] and
// [Write] never wait, and are not seen by the scheduler, which makes them cheap: whoever calls them many times in a row
// gives way to others now and then.
package epoll
