/* cycle PORT LUA-FOLDER JOBS BATCH [MESSAGE-BYTES] - drives the worker's own script cycle with as little as a client can do: claims
   batches, and ends each with a result, without reading a message. What is left is Redis and the socket: the measure of how much of the
   cycle's rate a worker reaches. Wants an empty Redis on 127.0.0.1; fills the queue "bench" first. Prints one JSON object. */
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static void die(const char *what) {
    fprintf(stderr, "cycle: %s\n", what);
    exit(1);
}

/* A growing text. */
typedef struct {
    char *bytes;
    size_t length, room;
} Text;

static void add(Text *text, const char *bytes, size_t length) {
    if (text->length + length + 1 > text->room) {
        text->room = 2 * (text->length + length + 1);
        text->bytes = realloc(text->bytes, text->room);
        if (text->bytes == NULL) die("out of memory");
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

static void addFile(Text *text, const char *folder, const char *name) {
    char path[4096], part[4096];
    size_t count;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (file == NULL) die(path);
    while ((count = fread(part, 1, sizeof part, file)) > 0) add(text, part, count);
    fclose(file);
}

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static redisReply *next(redisContext *redis) {
    void *reply = NULL;
    if (redisGetReply(redis, &reply) != REDIS_OK) die(redis->errstr);
    if (((redisReply *)reply)->type == REDIS_REPLY_ERROR) die(((redisReply *)reply)->str);
    return reply;
}

static void skip(redisContext *redis) { freeReplyObject(next(redis)); }

/* The hash by which the server knows a script. */
static void load(redisContext *redis, const Text *script, char hash[41]) {
    redisAppendCommand(redis, "SCRIPT LOAD %b", script->bytes, script->length);
    redisReply *reply = next(redis);
    memcpy(hash, reply->str, 41);
    freeReplyObject(reply);
}

static void fill(redisContext *redis, long jobs, size_t size) {
    char *message = malloc(size);
    if (message == NULL) die("out of memory");
    memset(message, 'x', size);
    for (long first = 0; first < jobs; first += 1000) {
        long count = jobs - first < 1000 ? jobs - first : 1000;
        for (long place = 0; place < count; place++) redisAppendCommand(redis, "LPUSH bench %b", message, size);
        for (long place = 0; place < count; place++) skip(redis);
    }
    free(message);
}

#define WORKER "apium:worker:cycle"
#define FLIGHT "apium:flight:cycle"

static void claim(redisContext *redis, const char *open, long batch, long count) {
    redisAppendCommand(redis, "HSET " FLIGHT " %ld bench", batch);
    redisAppendCommand(redis, "EVALSHA %s 5 " WORKER " " FLIGHT " apium:fence apium:control apium:reaped cycle %ld bench %ld", open, batch, count);
    for (long place = 0; place < count; place++) redisAppendCommand(redis, "LMOVE bench " FLIGHT ":%ld RIGHT RIGHT", batch);
}

/* One call that ends all of a batch, as rows. Results have ids and documents as the worker's. */
static void complete(redisContext *redis, const char *script, long batch, long count) {
    static const char document[] =
        "{\"status\":\"SUCCESS\",\"result\":null,\"traceback\":null,\"children\":[],\"date_done\":\"2026-11-22T23:14:38.112215+00:00\","
        "\"task_id\":\"00000000-0000-4000-8000-%012ld\"}";
    size_t words = 22 + 2 * (size_t)count;
    const char **argv = malloc(words * sizeof *argv);
    size_t *lengths = malloc(words * sizeof *lengths);
    char *texts = malloc((size_t)count * 320);
    char names[4][64], number[2][24];
    if (argv == NULL || lengths == NULL || texts == NULL) die("out of memory");
    snprintf(names[0], 64, "apium:marks:cycle:%ld", batch);
    snprintf(names[1], 64, FLIGHT ":%ld", batch);
    snprintf(names[2], 64, "apium:joins:cycle:%ld", batch);
    snprintf(names[3], 64, "apium:holds:cycle:%ld", batch);
    snprintf(number[0], 24, "%ld", batch);
    snprintf(number[1], 24, "%ld", count);
    const char *head[22] = {"EVALSHA", script, "8", WORKER, FLIGHT, "apium:scheduled", "apium:scheduled:messages", names[0], names[1],
                            names[2], names[3], "1", "86400", "0", "5", number[0], "1", number[1], "0", "rows", number[1], "86400"};
    memcpy(argv, head, sizeof head);
    size_t word = 22;
    char *text = texts;
    for (long place = 0; place < count; place++) {
        char *key = text, *body = text + 64;
        long job = batch * 100000 + place;
        snprintf(key, 64, "celery-task-meta-00000000-0000-4000-8000-%012ld", job);
        snprintf(body, 240, document, job);
        argv[word++] = key;
        argv[word++] = body;
        text += 320;
    }
    for (size_t place = 0; place < words; place++) lengths[place] = strlen(argv[place]);
    redisAppendCommandArgv(redis, (int)words, argv, lengths);
    free(argv);
    free(lengths);
    free(texts);
}

static double redisSeconds(redisContext *redis) {
    redisAppendCommand(redis, "INFO cpu");
    redisReply *reply = next(redis);
    double total = 0;
    for (const char *name = "used_cpu_sys_main_thread:\0used_cpu_user_main_thread:\0"; *name; name += strlen(name) + 1) {
        const char *place = strstr(reply->str, name);
        if (place != NULL) total += atof(place + strlen(name));
    }
    freeReplyObject(reply);
    return total;
}

int main(int count, char **words) {
    if (count < 5) die("usage: cycle PORT LUA-FOLDER JOBS BATCH [MESSAGE-BYTES]");
    long jobs = atol(words[3]), batch = atol(words[4]);
    size_t size = count > 5 ? (size_t)atol(words[5]) : 1174;
    if (jobs < 1 || batch < 1 || batch > 50000 || size < 1) die("jobs, batch (at most 50000) and bytes are 1 or more");
    redisContext *redis = redisConnect("127.0.0.1", atoi(words[1]));
    if (redis == NULL || redis->err) die("no Redis on this port");
    redis->reader->maxbuf = 0;
    Text open = {0}, end = {0};
    char openHash[41], endHash[41];
    addFile(&open, words[2], "open.lua");
    addFile(&end, words[2], "functions.lua");
    addFile(&end, words[2], "complete.lua");
    load(redis, &open, openHash);
    load(redis, &end, endHash);
    fill(redis, jobs, size);
    redisAppendCommand(redis, "HSET " WORKER " name cycle");
    skip(redis);
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), server = redisSeconds(redis), began = seconds(CLOCK_MONOTONIC);
    long claimed = 0, last = 0;
    /* Each write ends one batch and claims the next, so that neither waits for the other. */
    for (long number = 1; claimed < jobs || last > 0; number++) {
        long now = jobs - claimed < batch ? jobs - claimed : batch;
        if (last > 0) complete(redis, endHash, number - 1, last);
        if (now > 0) claim(redis, openHash, number, now);
        if (last > 0) skip(redis);
        for (long reply = 0; now > 0 && reply < now + 2; reply++) skip(redis);
        claimed += now;
        last = now;
    }
    double wall = seconds(CLOCK_MONOTONIC) - began;
    printf("{\"jobs\": %ld, \"jobs_per_second\": %.0f, \"client_cpu_us\": %.2f, \"redis_cpu_us\": %.2f}\n", jobs, (double)jobs / wall,
           (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / (double)jobs, (redisSeconds(redis) - server) * 1e6 / (double)jobs);
    redisFree(redis);
    return 0;
}
