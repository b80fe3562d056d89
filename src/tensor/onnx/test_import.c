/* ONNX files on disk: the folder that becomes of one, and data in files beside it. */
#include "tensor/graph_folder.h"
#include "tensor/onnx/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/assay-onnx-XXXXXX";

static char *path_of(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const void *bytes, size_t len)
{
    FILE *f = fopen(path_of(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static enum ay_code import_bytes(const void *bytes, size_t len, struct ay_reason *reason)
{
    static const struct ay_onnx_options options = {
        .licence = "MIT", .source = "here", .limit_bytes = AY_TEST_LIMIT};
    struct ay_reason notice;
    write_file("m.onnx", bytes, len);
    return ay_onnx_import(path_of("m.onnx"), path_of("model"), &options, &notice, reason);
}

static enum ay_code import(const struct ay_test_model *m, struct ay_reason *reason)
{
    size_t len;
    uint8_t *bytes = ay_test_pack(m, &len);
    enum ay_code code = import_bytes(bytes, len, reason);
    free(bytes);
    return code;
}

static void remove_model(void)
{
    (void)unlink(path_of("model/graph.bin"));
    (void)unlink(path_of("model/weights.bin"));
    (void)unlink(path_of("model/model.json"));
    assert_int_equal(rmdir(path_of("model")), 0);
}

static void flip(const char *name)
{
    FILE *f = fopen(path_of(name), "r+b");
    assert_non_null(f);
    int c = fgetc(f);
    assert_int_equal(fseek(f, 0, SEEK_SET), 0);
    assert_true(fputc(c ^ 1, f) != EOF);
    assert_int_equal(fclose(f), 0);
}

static void test_onnx_folder_is_opened_again_unless_damaged(void **state)
{
    (void)state;
    struct ay_test_model m;
    struct ay_reason reason = {""};
    struct ay_graph_folder *f = NULL;
    ay_test_make(&m);
    assert_int_equal(import(&m, &reason), AY_OK);
    assert_true(ay_graph_folder_is(path_of("model")));
    assert_int_equal(ay_graph_folder_open(path_of("model"), &f, &reason), AY_OK);
    assert_string_equal(f->licence, "MIT");
    assert_memory_equal(f->weights, m.k_values, 8);
    ay_graph_folder_close(f);
    assert_int_equal(import(&m, &reason), AY_E_EXISTS);
    for (size_t i = 0; i < 2; i++) {
        const char *name = i ? "model/graph.bin" : "model/weights.bin";
        flip(name);
        enum ay_code code = ay_graph_folder_open(path_of("model"), &f, &reason);
        assert_true(code == AY_E_HASH || code == AY_E_FORMAT);
        assert_non_null(strstr(reason.text, name + 6));
        flip(name);
    }
    remove_model();
    m.model.graph = NULL;
    assert_int_equal(import(&m, &reason), AY_E_FORMAT);
    assert_int_equal(access(path_of("model"), F_OK), -1);
    assert_int_equal(access(path_of("model.part"), F_OK), -1);
    assert_int_equal(import_bytes("", 0, &reason), AY_E_FORMAT);
    assert_non_null(strstr(reason.text, "is empty"));
}

static void test_onnx_external_data_is_read_within_the_folder_only(void **state)
{
    (void)state;
    static const float data[] = {9, 1.5f, -2};
    struct {
        const char *location, *offset, *length, *reason;
        enum ay_code code;
    } cases[] = {
        {"data.bin", "4", "8", "", AY_OK},
        {"./sub/../data.bin", "4", NULL, "", AY_OK},
        {"data.bin", "8", "8", "too short", AY_E_FORMAT},
        {"data.bin", "4", "4", "length", AY_E_FORMAT},
        {"data.bin", "-4", "8", "offset", AY_E_FORMAT},
        {"data.bin", "18446744073709551612", "8", "offset", AY_E_FORMAT},
        {"none.bin", "0", "8", "none.bin", AY_E_NOT_FOUND},
        {"../assay-onnx-outside.bin", "0", "8", "outside.bin", AY_E_IO},
        {"sub/../../assay-onnx-outside.bin", "0", "8", "outside.bin", AY_E_IO},
        {"/etc/passwd", "0", "8", "passwd", AY_E_IO},
        {"link.bin", "0", "8", "link.bin", AY_E_IO},
        {"hard.bin", "0", "8", "hard.bin", AY_E_IO},
        {"linked/data.bin", "0", "8", "linked", AY_E_IO},
        {"sub", "0", "8", "sub", AY_E_IO},
        {"pipe", "0", "8", "pipe", AY_E_IO},
        {NULL, "0", "8", "location", AY_E_FORMAT},
    };
    assert_int_equal(mkdir(path_of("sub"), 0700), 0);
    write_file("data.bin", data, sizeof data);
    write_file("../assay-onnx-outside.bin", data, sizeof data);
    write_file("twice.bin", data, sizeof data);
    assert_int_equal(symlink("data.bin", path_of("link.bin")), 0);
    assert_int_equal(symlink(".", path_of("linked")), 0);
    assert_int_equal(link(path_of("twice.bin"), path_of("hard.bin")), 0);
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ay_test_model m;
        struct ay_reason reason = {""};
        const char *texts[3][2] = {{"location", cases[i].location},
                                   {"offset", cases[i].offset},
                                   {"length", cases[i].length}};
        Onnx__StringStringEntryProto entries[3], *list[3];
        ay_test_make(&m);
        m.k.n_float_data = 0;
        m.k.has_data_location = true;
        m.k.data_location = 1;
        m.k.external_data = list;
        for (size_t k = 0; k < 3; k++) {
            if (!texts[k][1]) continue;
            onnx__string_string_entry_proto__init(&entries[k]);
            entries[k].key = (char *)(uintptr_t)texts[k][0];
            entries[k].value = (char *)(uintptr_t)texts[k][1];
            list[m.k.n_external_data++] = &entries[k];
        }
        enum ay_code code = import(&m, &reason);
        if (code != cases[i].code || !strstr(reason.text, cases[i].reason))
            fail_msg("case %zu: code %d, %s", i, code, reason.text);
        if (code != AY_OK) continue;
        struct ay_graph_folder *f = NULL;
        assert_int_equal(ay_graph_folder_open(path_of("model"), &f, &reason), AY_OK);
        assert_memory_equal(f->weights, data + 1, 8);
        ay_graph_folder_close(f);
        remove_model();
    }
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    static const char *const names[] = {
        "m.onnx",   "data.bin",  "link.bin", "linked",
        "hard.bin", "twice.bin", "pipe",     "../assay-onnx-outside.bin"};
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) (void)unlink(path_of(names[i]));
    (void)rmdir(path_of("sub"));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_onnx_folder_is_opened_again_unless_damaged),
        cmocka_unit_test(test_onnx_external_data_is_read_within_the_folder_only),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
