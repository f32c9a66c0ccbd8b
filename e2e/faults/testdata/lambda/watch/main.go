// A function that is deployed and never called.
package main

func main() {}
