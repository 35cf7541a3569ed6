# frozen_string_literal: true

# Drives Sidekiq for Tests/Benchmarks/compare: `worker URL CONCURRENCY`, or `enqueue URL JOB COUNT`. See README.md beside it.
require 'json'
require 'redis'
require 'sidekiq'

if __FILE__ == $PROGRAM_NAME
  ENV['REDIS_URL'] = ARGV.fetch(1)
  exec 'sidekiq', '-r', File.expand_path(__FILE__), '-c', ARGV.fetch(2), '-e', 'production' if ARGV.first == 'worker'
end

# What newer clients of Redis say of a call that this Sidekiq makes is no finding here.
Redis.sadd_returns_boolean = false if Redis.respond_to?(:sadd_returns_boolean=)

# The jobs write to the same server through a few connections of their own.
ANSWERS = ConnectionPool.new(size: 10) { Redis.new(url: ENV.fetch('REDIS_URL')) }

class Noop
  include Sidekiq::Worker

  def perform(_index, _payload); end
end

class Echo
  include Sidekiq::Worker

  def perform(index, _payload)
    ANSWERS.with { |redis| redis.rpush('answers', index) }
  end
end

class Step
  include Sidekiq::Worker

  def perform(index, _payload)
    ANSWERS.with { |redis| redis.rpush('started', index) }
    sleep 0.02
    ANSWERS.with { |redis| redis.rpush('ended', index) }
  end
end

if __FILE__ == $PROGRAM_NAME
  job = { 'noop' => Noop, 'echo' => Echo, 'step' => Step }.fetch(ARGV.fetch(2))
  payload = 'x' * 100
  clock = ->(kind) { Process.clock_gettime(kind) }
  Sidekiq.redis(&:ping)
  began = clock.call(Process::CLOCK_MONOTONIC)
  cpu = clock.call(Process::CLOCK_PROCESS_CPUTIME_ID)
  trips = []
  Integer(ARGV.fetch(3)).times do |index|
    sent = clock.call(Process::CLOCK_MONOTONIC)
    job.perform_async(index, payload)
    next unless job == Echo

    ANSWERS.with { |redis| redis.blpop('answers') }
    trips << (clock.call(Process::CLOCK_MONOTONIC) - sent)
  end
  puts JSON.generate(
    seconds: clock.call(Process::CLOCK_MONOTONIC) - began,
    cpu_seconds: clock.call(Process::CLOCK_PROCESS_CPUTIME_ID) - cpu,
    trips: trips
  )
end
