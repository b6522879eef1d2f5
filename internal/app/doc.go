// Package app is the composition root: it reads the configuration, opens the kernel, makes the
// modules, and runs them. It is the only package that knows them all; nothing imports it but the
// command line and the tests of the whole.
//
// Order of a start: data directory and its lock → database and tables → key ring → journal →
// modules → services → HTTP. A stop runs backwards: HTTP first, so that nothing new comes in, the
// database last.
package app
