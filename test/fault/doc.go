// Package fault proves that the program keeps its promises when it is treated badly: killed in the
// middle of rounds, started twice on one database, left without its database, its disc full. It runs
// the real program as processes and looks at what is left in the database.
//
// The number of kills is small by default and is raised with TAXOPS_KILLS (continuous integration: 50
// a database, `make soak`: 100 and more).
package fault
