#ifndef CLINUX_SHIM_H
#define CLINUX_SHIM_H
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/// Names the calling thread, at most 15 bytes; `prctl` is variadic and pthread's call is a GNU extension, so Swift sees neither.
static inline void clinux_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

/// Kills the calling process when the thread that started it ends.
static inline void clinux_die_with_parent(void) { prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }

/// A descriptor that becomes readable when the process has ended, or -1 where the kernel has none.
static inline int clinux_open_process(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

/// The exit code of a wait status; -1 when a signal ended the process.
static inline int clinux_exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }

/// The signal of a wait status; 0 when the process ended by itself.
static inline int clinux_end_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

/// The process' environment; a C global, which Swift refuses.
static inline char **clinux_environment(void) {
    extern char **environ;
    return environ;
}

/// Closes the descriptor when this process becomes another program; `fcntl` is variadic.
static inline int clinux_close_on_exec(int descriptor) { return fcntl(descriptor, F_SETFD, FD_CLOEXEC); }

/// Makes reads and writes of the descriptor return at once; `fcntl` is variadic.
static inline int clinux_never_block(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL, 0);
    return flags < 0 ? flags : fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
}

/// A connected pair of stream sockets that another program does not inherit.
static inline int clinux_socket_pair(int pair[2]) { return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair); }

/// Starts a program in a process group of its own, every signal at its default and none blocked, with nothing of the caller's open but
/// standard output, standard error and `channel`, which becomes descriptor 3. Its input is empty. Answers 0 or an errno.
static inline int clinux_spawn(pid_t *pid, const char *path, char *const arguments[], char *const environment[], int channel) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed) return failed;
    failed = posix_spawnattr_init(&attributes);
    if (failed) {
        posix_spawn_file_actions_destroy(&actions);
        return failed;
    }
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    if (!(failed = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)) &&
        !(failed = posix_spawn_file_actions_adddup2(&actions, channel, 3)) &&
        !(failed = posix_spawn_file_actions_addclosefrom_np(&actions, 4)) &&
        !(failed = posix_spawnattr_setsigmask(&attributes, &none)) &&
        !(failed = posix_spawnattr_setsigdefault(&attributes, &all)) &&
        !(failed = posix_spawnattr_setpgroup(&attributes, 0)) &&
        !(failed = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP)))
        failed = posix_spawn(pid, path, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}
#endif
