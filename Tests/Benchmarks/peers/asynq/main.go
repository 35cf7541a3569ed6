// peer-asynq drives Asynq for Tests/Benchmarks/compare: `worker URL CONCURRENCY`, or `enqueue URL JOB COUNT`.
// See Tests/Benchmarks/peers/README.md for what each peer does.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

type arguments struct {
	Index   int    `json:"index"`
	Payload string `json:"payload"`
}

func main() {
	if len(os.Args) < 4 {
		log.Fatal("usage: peer-asynq worker URL CONCURRENCY | enqueue URL JOB COUNT")
	}
	server, err := asynq.ParseRedisURI(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	switch os.Args[1] {
	case "worker":
		work(server, os.Args[2], number(os.Args[3]))
	case "enqueue":
		enqueue(server, os.Args[2], os.Args[3], number(os.Args[4]))
	}
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func connect(url string) *redis.Client {
	options, err := redis.ParseURL(url)
	if err != nil {
		log.Fatal(err)
	}
	return redis.NewClient(options)
}

func work(server asynq.RedisConnOpt, url string, concurrency int) {
	client := connect(url)
	mux := asynq.NewServeMux()
	mux.HandleFunc("noop", func(context.Context, *asynq.Task) error { return nil })
	mux.HandleFunc("echo", func(ctx context.Context, task *asynq.Task) error {
		return client.RPush(ctx, "answers", read(task).Index).Err()
	})
	mux.HandleFunc("step", func(ctx context.Context, task *asynq.Task) error {
		index := read(task).Index
		if err := client.RPush(ctx, "started", index).Err(); err != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
		return client.RPush(ctx, "ended", index).Err()
	})
	worker := asynq.NewServer(server, asynq.Config{Concurrency: concurrency, LogLevel: asynq.ErrorLevel})
	if err := worker.Run(mux); err != nil {
		log.Fatal(err)
	}
}

func read(task *asynq.Task) arguments {
	var found arguments
	if err := json.Unmarshal(task.Payload(), &found); err != nil {
		log.Fatal(err)
	}
	return found
}

// An echo is waited for before the next is sent.
func enqueue(server asynq.RedisConnOpt, url, job string, count int) {
	client, answers := asynq.NewClient(server), connect(url)
	defer client.Close()
	payload := strings.Repeat("x", 100)
	trips := []float64{}
	began, cpu := time.Now(), processor()
	for index := 0; index < count; index++ {
		body, err := json.Marshal(arguments{index, payload})
		if err != nil {
			log.Fatal(err)
		}
		sent := time.Now()
		if _, err := client.Enqueue(asynq.NewTask(job, body)); err != nil {
			log.Fatal(err)
		}
		if job == "echo" {
			if err := answers.BLPop(context.Background(), 0, "answers").Err(); err != nil {
				log.Fatal(err)
			}
			trips = append(trips, time.Since(sent).Seconds())
		}
	}
	report := map[string]any{"seconds": time.Since(began).Seconds(), "cpu_seconds": processor() - cpu, "trips": trips}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		log.Fatal(err)
	}
}

// processor is the user and system time of this process in seconds.
func processor() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}
