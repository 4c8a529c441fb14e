/*
 * First process of a test guest: loads modules, runs one program.
 *
 * The kernel passes what follows "--" on its command line; that is the
 * program and its arguments.  When it ends, the guest powers off.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void mount_one(const char *type, const char *where)
{
    mkdir(where, 0755);
    /* The kernel may have mounted devtmpfs itself. */
    if (mount(type, where, type, 0, NULL) < 0 && errno != EBUSY) {
        printf("init: cannot mount %s: %s\n", where, strerror(errno));
    }
}

static void load_module(const char *name)
{
    char path[512];
    int fd;

    snprintf(path, sizeof(path), "/modules/%s", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0) {
        printf("init: cannot load %s: %s\n", path, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* File names begin with a number, so that their order is the load order. */
static void load_modules(void)
{
    struct dirent **names;
    int i, n = scandir("/modules", &names, NULL, alphasort);

    for (i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.') {
            load_module(names[i]->d_name);
        }
        free(names[i]);
    }
    if (n >= 0) {
        free(names);
    }
}

static void run(char **argv)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        execv(argv[0], argv);
        printf("init: cannot run %s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        continue;
    }
    if (WIFEXITED(status)) {
        printf("init: %s exited with %d\n", argv[0], WEXITSTATUS(status));
    } else {
        printf("init: %s was killed by signal %d\n", argv[0],
               WTERMSIG(status));
    }
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    mount_one("proc", "/proc");
    mount_one("sysfs", "/sys");
    mount_one("devtmpfs", "/dev");
    mount_one("tmpfs", "/tmp");
    load_modules();
    printf("init: guest is up\n");
    if (argc > 1) {
        run(argv + 1);
    }
    sync();
    reboot(RB_POWER_OFF);
    return 0;
}
