module example.org/watch

go 1.26
