module taxops

go 1.26
