/* trip PORT QUEUE FILE - drives an idle worker by one job after the other with as little as a client can do: LPUSH of a message, BLPOP of what
   its job pushes, both in one write. FILE has for each trip a line "KEY LENGTH" and the message's bytes after it. Prints a line for each trip:
   the seconds from the write to the answer. What is left is Redis and the worker. */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void die(const char *what) {
    fprintf(stderr, "trip: %s\n", what);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static redisReply *next(redisContext *redis) {
    void *reply = NULL;
    if (redisGetReply(redis, &reply) != REDIS_OK) die(redis->errstr);
    if (((redisReply *)reply)->type == REDIS_REPLY_ERROR) die(((redisReply *)reply)->str);
    return reply;
}

int main(int count, char **words) {
    if (count != 4) die("usage: trip PORT QUEUE FILE");
    FILE *file = fopen(words[3], "r");
    if (file == NULL) die(strerror(errno));
    redisContext *redis = redisConnect("127.0.0.1", atoi(words[1]));
    if (redis == NULL || redis->err) die("no Redis on this port");
    char key[256];
    size_t length;
    while (fscanf(file, "%255s %zu", key, &length) == 2 && fgetc(file) == '\n') {
        char *message = malloc(length + 1);
        if (message == NULL || fread(message, 1, length, file) != length) die("the file ends inside a message");
        redisAppendCommand(redis, "LPUSH %s %b", words[2], message, length);
        redisAppendCommand(redis, "BLPOP %s 60", key);
        double began = now();
        freeReplyObject(next(redis));
        redisReply *answer = next(redis);
        double ended = now();
        if (answer->type != REDIS_REPLY_ARRAY) die("no answer within 60 s");
        printf("%.9f\n", ended - began);
        freeReplyObject(answer);
        free(message);
    }
    if (!feof(file)) die("the file is not what was expected");
    redisFree(redis);
    fclose(file);
    return 0;
}
