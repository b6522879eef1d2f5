// Package scripts reads what a predecessor left: a folder of check scripts (巡检脚本) and the crontab that
// ran them. It says for each script with what it is run, in which encoding it is written, how often and
// with which arguments cron started it, and what of that cannot be kept. Nothing is run here, and nothing
// of the file system is followed outside the folder.
package scripts
