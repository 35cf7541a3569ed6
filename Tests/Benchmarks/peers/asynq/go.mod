module peer-asynq

go 1.18

require (
	github.com/hibiken/asynq v0.24.1
	github.com/redis/go-redis/v9 v9.0.3
)
