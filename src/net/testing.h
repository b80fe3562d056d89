/* For this folder's tests: cmocka in its order, and raw sockets with a bound on every wait. */
#ifndef AY_NET_TESTING_H
#define AY_NET_TESTING_H

#include "net/http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define assert_code(code, expected)                                                                \
    assert_string_equal(ay_code_info(code)->text, ay_code_info(expected)->text)

static inline int test_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval limit = {.tv_sec = 30};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Sends all that the peer takes; a peer that closed early is no failure here. */
static inline void test_send(int fd, const void *data, size_t len)
{
    const char *at = data;
    while (len) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n <= 0) return;
        at += n;
        len -= (size_t)n;
    }
}

/* Reads until the peer closes or cap - 1 bytes are there; NUL-terminated. Gives the length. */
static inline size_t test_read_all(int fd, char *out, size_t cap)
{
    size_t len = 0;
    for (ssize_t n; len < cap - 1 && (n = recv(fd, out + len, cap - 1 - len, 0)) > 0;)
        len += (size_t)n;
    out[len] = '\0';
    return len;
}

/* Reads until the text so far ends with `end`. */
static inline void test_read_until(int fd, const char *end, char *out, size_t cap)
{
    size_t len = 0, end_len = strlen(end);
    while (len < end_len || memcmp(out + len - end_len, end, end_len) != 0) {
        assert_true(len < cap - 1);
        assert_int_equal(recv(fd, out + len, 1, 0), 1);
        len++;
    }
    out[len] = '\0';
}

/* One request on a connection of its own, which the request asks to close. */
static inline void test_ask(uint16_t port, const char *request, char *out, size_t cap)
{
    int fd = test_connect(port);
    test_send(fd, request, strlen(request));
    test_read_all(fd, out, cap);
    close(fd);
}

static inline void assert_status(const char *answer, const char *status)
{
    char expected[32];
    snprintf(expected, sizeof expected, "HTTP/1.1 %s ", status);
    assert_non_null(answer);
    if (answer && strncmp(answer, expected, strlen(expected)) != 0)
        fail_msg("expected %s, got: %.200s", expected, answer);
}

#endif
