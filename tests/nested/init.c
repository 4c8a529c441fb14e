/*
 * First process of the machine that stands in for a hypervisor's host: loads
 * modules, runs one program, hands over its output and the kernel's messages.
 *
 * The kernel passes what follows "--" on its command line; that is the program
 * and its arguments. Output goes to the second serial port, and the kernel's
 * messages, at the end, to the third. With "hostfs=9p" on the command line the
 * program finds the file system that the outer host shares at /, and with
 * "hostfs=disc" what it has put onto a disc.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { SYSLOG_READ_ALL = 3, SYSLOG_SIZE_BUFFER = 10 };

static char cmdline[4096];

static void must(int result, const char *what, const char *which)
{
    if (result < 0) {
        printf("init: cannot %s %s: %s\n", what, which, strerror(errno));
    }
}

static void mount_one(const char *type, const char *where)
{
    mkdir(where, 0755);
    /* The kernel may have mounted devtmpfs itself. */
    if (mount(type, where, type, 0, NULL) < 0 && errno != EBUSY) {
        must(-1, "mount", where);
    }
}

static void read_cmdline(void)
{
    FILE *file = fopen("/proc/cmdline", "r");

    if (file == NULL || fgets(cmdline, sizeof(cmdline), file) == NULL) {
        must(-1, "read", "/proc/cmdline");
    }
    if (file != NULL) {
        fclose(file);
    }
}

/* Collects what the command line has as MODULE.PARAMETER=VALUE. */
static void module_arguments(const char *module, char *args, size_t size)
{
    char words[sizeof(cmdline)], *word, *rest = NULL;
    size_t length = strlen(module);

    args[0] = '\0';
    strcpy(words, cmdline);
    for (word = strtok_r(words, " \n", &rest); word != NULL;
         word = strtok_r(NULL, " \n", &rest)) {
        if (strncmp(word, module, length) == 0 && word[length] == '.') {
            snprintf(args + strlen(args), size - strlen(args), "%s ",
                     word + length + 1);
        }
    }
}

/* The file is called NUMBER-MODULE.ko. */
static void load_module(const char *file)
{
    char path[512], module[256], args[512], *c;
    int fd;

    snprintf(path, sizeof(path), "/modules/%s", file);
    snprintf(module, sizeof(module), "%s", strchr(file, '-') + 1);
    *strstr(module, ".ko") = '\0';
    for (c = module; *c != '\0'; c++) {
        if (*c == '-') {
            *c = '_';
        }
    }
    module_arguments(module, args, sizeof(args));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    must(fd < 0 ? -1 : syscall(SYS_finit_module, fd, args, 0), "load", path);
    close(fd);
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
    }
}

static void enter_hostfs(void)
{
    static const char *const binds[] = { "/dev", "/proc", "/sys" };
    char path[64];
    size_t i;

    if (strstr(cmdline, " hostfs=9p") != NULL) {
        must(mount("hostfs", "/host", "9p", MS_RDONLY,
                   "trans=virtio,version=9p2000.L,msize=512000,cache=loose"),
             "mount", "hostfs");
    } else {
        must(mount("/dev/sr0", "/host", "iso9660", MS_RDONLY, NULL), "mount",
             "/dev/sr0");
    }
    for (i = 0; i < sizeof(binds) / sizeof(binds[0]); i++) {
        snprintf(path, sizeof(path), "/host%s", binds[i]);
        must(mount(binds[i], path, NULL, MS_BIND | MS_REC, NULL), "bind",
             path);
    }
    /* Put on top of all else, so that paths are as the program has them. */
    must(unshare(CLONE_NEWNS), "leave", "the mounts");
    must(chdir("/host"), "change directory to", "/host");
    must(mount(".", "/", NULL, MS_MOVE, NULL), "move", "/host");
    must(chroot("."), "change root to", "/host");
    must(mkdir("/dev/shm", 01777), "make", "/dev/shm");
    must(mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=2g"), "mount",
         "/dev/shm");
    must(chdir("/dev/shm"), "change directory to", "/dev/shm");
}

static void open_port(const char *path, int as_fd)
{
    int fd = open(path, O_RDWR | O_NOCTTY);
    struct termios raw;

    must(fd, "open", path);
    if (fd >= 0) {
        tcgetattr(fd, &raw);
        cfmakeraw(&raw);
        tcsetattr(fd, TCSANOW, &raw);
        dup2(fd, as_fd);
        close(fd);
    }
}

/* What still uses a module keeps it. */
static void unload_kvm(void)
{
    static const char *const modules[] = { "kvm_intel", "kvm_amd", "kvm" };
    char path[64];
    size_t i;

    for (i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
        snprintf(path, sizeof(path), "/sys/module/%s/refcnt", modules[i]);
        if (access(path, F_OK) == 0) {
            must(syscall(SYS_delete_module, modules[i], O_NONBLOCK), "unload",
                 modules[i]);
        }
    }
}

/*
 * Has a kernel that looks for memory that nothing points to do so now. It
 * tells in a message what it finds, once that is some seconds old.
 */
static void find_leaks(void)
{
    int fd = open("/sys/kernel/debug/kmemleak", O_WRONLY | O_CLOEXEC);
    int i;

    if (fd < 0) {
        return;
    }
    for (i = 0; i < 3; i++) {
        sleep(5);
        must(write(fd, "scan", 4), "scan for", "leaks");
    }
    close(fd);
}

static void run(char **argv)
{
    int status = 0;
    pid_t ended, pid = fork();

    if (pid == 0) {
        if (strstr(cmdline, " hostfs=") != NULL) {
            enter_hostfs();
        }
        setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
        execvp(argv[0], argv);
        must(-1, "run", argv[0]);
        fflush(stdout);
        _exit(127);
    }
    /* Whoever has lost its parent is this process's child. */
    do {
        ended = wait(&status);
    } while (ended != pid && (ended > 0 || errno == EINTR));
    unload_kvm();
    find_leaks();
    printf("init: exit status %d\n",
           WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    fflush(stdout);
    tcdrain(STDOUT_FILENO);
}

static void hand_over_messages(void)
{
    int size = klogctl(SYSLOG_SIZE_BUFFER, NULL, 0);
    char *messages = malloc(size);
    int length = klogctl(SYSLOG_READ_ALL, messages, size), done = 0, n;

    open_port("/dev/ttyS2", STDOUT_FILENO);
    while (done < length) {
        n = write(STDOUT_FILENO, messages + done, length - done);
        if (n < 0) {
            break;
        }
        done += n;
    }
    tcdrain(STDOUT_FILENO);
}

int main(int argc, char **argv)
{
    mount_one("devtmpfs", "/dev");
    mount_one("proc", "/proc");
    mount_one("sysfs", "/sys");
    mount_one("debugfs", "/sys/kernel/debug");
    open_port("/dev/ttyS1", STDOUT_FILENO);
    dup2(STDOUT_FILENO, STDERR_FILENO);
    read_cmdline();
    load_modules();
    if (argc > 1) {
        run(argv + 1);
    }
    hand_over_messages();
    sync();
    reboot(RB_POWER_OFF);
    return 1;
}
